"""Action images: a trajectory as coloured Gaussians in each camera's video, and back (docs/action-images.md)."""
