"""Training data of the embedded model: clips of the simulated lab, drawn from seeds."""
