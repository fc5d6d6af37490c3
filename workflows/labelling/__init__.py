"""Reading the arm's motion out of videos with the model."""
