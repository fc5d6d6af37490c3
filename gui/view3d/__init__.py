"""The 3-D view: arm, path, workspace, cameras, things on the bench."""
