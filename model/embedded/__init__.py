"""Training of the embedded model: a curriculum of images and motions from the simulated lab."""
