"""The Arm screen and the arm in the sidebar: its state, recovery, hand control by pads, keys and gamepad."""
