"""Action images and the world-action model."""
