"""Widgets and looks that all screens share."""
