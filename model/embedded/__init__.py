"""The training of the embedded model: lessons on pictures and motions from the simulated lab."""
