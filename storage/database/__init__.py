"""Database of the library: connection, tables, and migrations."""
