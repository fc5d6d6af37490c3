"""The arm's safety and the planning, tried by the thousand."""
