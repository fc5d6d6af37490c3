"""Embedded lab: a simulated bench, a simulated xArm behind its real wire protocol, and simulated cameras."""
