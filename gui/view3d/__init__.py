"""3-D view of the arm, path, workspace, cameras and objects on the bench."""
