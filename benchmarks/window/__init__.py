"""The window in use: speed, stalls, presses, and a walk through every screen."""
