"""Labelling of videos: the model reads the arm's motion from them."""
