"""Cameras: drivers, capture with true timestamps, undistortion, AprilTags."""
