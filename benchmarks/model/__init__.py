"""The model: import, speed, training core, and the full size on a GPU."""
