"""The simulated cameras: lenses, noise, drawing without a screen, and delivery in real time."""
