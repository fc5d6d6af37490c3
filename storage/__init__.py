"""The library of recordings (to come)."""
