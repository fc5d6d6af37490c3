"""The library under load, crashes and spoilt data."""
