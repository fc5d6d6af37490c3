"""Recording of demonstrations into the library, and their review."""
