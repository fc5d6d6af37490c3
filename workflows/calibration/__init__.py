"""Calibrating the cameras: tags, poses, driving the arm, solving, reporting, keeping, checking again."""
