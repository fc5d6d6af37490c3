"""Calibration against the lab's ground truth, and beside OpenCV's closed-form solvers."""
