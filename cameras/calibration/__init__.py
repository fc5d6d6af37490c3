"""Calibration boards and tags, lens calibration, and the joint calibration of a camera rig."""
