"""What the simulated controller does for each register of the wire protocol."""
