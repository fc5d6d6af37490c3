"""The robot loop in a process of its own: the process, the window's side, the stop line, the status."""
