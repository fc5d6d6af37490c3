"""Robot process that runs the control loop: the process, its client, the stop line, the status."""
