"""Encoding of a trajectory as coloured Gaussians in each camera's video, and its decoding (docs/action-images.md)."""
