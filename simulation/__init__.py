"""The embedded lab: a bench, a simulated xArm behind its real wire protocol, and cameras."""
