"""The arm: the driver over the official SDK, the limiter, planning, the robot loop and its process."""
