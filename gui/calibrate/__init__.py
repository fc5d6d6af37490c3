"""Calibrate screen: print, lenses, poses, solve, report."""
