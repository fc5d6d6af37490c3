"""Handlers of the wire protocol's registers in the simulated controller."""
