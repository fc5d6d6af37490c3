"""Cameras: drivers, capture with true times, undistortion, AprilTags."""
