"""The library's database: connection, tables, and their migrations."""
