"""Benchmarks of the window in use: speed, stalls, presses, and a walkthrough of every screen."""
