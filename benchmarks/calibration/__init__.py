"""Calibration against the lab's truth, and beside OpenCV's closed forms."""
