"""Boards and tags, lenses, and the joint calibration of a rig."""
