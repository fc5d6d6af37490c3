"""Shared foundation: errors, clocks, geometry, the xArm7 model and inter-process messages.

Imports nothing from the project's other folders.
"""
