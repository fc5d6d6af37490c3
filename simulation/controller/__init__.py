"""Simulated xArm controller: wire protocol, states, motions, faults; as pure logic, and over TCP."""
