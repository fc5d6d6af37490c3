"""Library under load, crashes and corrupted data."""
