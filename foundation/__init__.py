"""What everything stands on: errors, clocks, geometry, the xArm7's description, messages between processes.

Imports nothing of the project's other folders.
"""
