"""Nothing moves without approval: staged plans, their nonces, and approvals of several segments."""
