"""The arm's controller: the driver over the maker's SDK, its gripper, its settings, its error codes."""
