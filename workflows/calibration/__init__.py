"""Camera calibration: tags, poses, driving the arm, solving, reporting, storing, and checking for drift."""
