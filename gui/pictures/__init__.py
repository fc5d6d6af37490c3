"""Camera image widgets, single and in a grid, and the colour map for time drawn into them."""
