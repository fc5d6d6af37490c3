"""Rehearsals, from a proposal to a stored outcome: plan, approval, run, review."""
