"""Sources of motions: the model, a demonstrator, a stored trajectory, a drawing, an edited waypoint."""
