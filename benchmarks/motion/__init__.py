"""The arm's safety and motion planning in thousands of trials."""
