"""Action images: a trajectory encoded as coloured Gaussians in each camera's video, and its decoding
(docs/action-images.md)."""
