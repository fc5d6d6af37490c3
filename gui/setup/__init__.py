"""Set up screen: lab or real arm, control box, cameras, workspace, and the checklist."""
