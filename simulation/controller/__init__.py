"""The simulated xArm controller: wire protocol, states, motions, faults; pure, and on TCP."""
