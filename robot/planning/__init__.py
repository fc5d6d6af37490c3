"""Motion planning: from a proposed trajectory to a checked plan of joints over time, with findings."""
