"""Arm controller: driver over the manufacturer's SDK, gripper, settings, error codes."""
