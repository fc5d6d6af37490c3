"""The embedded model's lessons: clips of the simulated lab, drawn from seeds."""
