"""Approval of motion: staged plans, their one-time nonces, and approvals of several segments."""
