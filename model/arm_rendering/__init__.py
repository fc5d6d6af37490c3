"""Rendering of the arm from its pose, its shadow and the grasped object, and motion refinement by it."""
