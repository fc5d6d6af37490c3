"""Widgets and styles shared by all screens."""
