"""Arm screen and the arm's panel in the sidebar: state, recovery, hand control by pads, keys and gamepad."""
