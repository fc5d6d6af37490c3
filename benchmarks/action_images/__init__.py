"""How exactly and how fast action images are drawn and read."""
