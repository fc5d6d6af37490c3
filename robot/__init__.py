"""Robot arm: driver over the official SDK, limiter, motion planning, control loop and its process."""
