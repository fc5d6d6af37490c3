"""Names of the library's own files in its folder."""

DATABASE = "library.db"
IN_USE = "library.open"
"""Locked, and shared, by every program that has the library open."""
