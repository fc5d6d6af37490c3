"""Simulated cameras: lenses, sensor noise, off-screen rendering, and delivery in real time."""
