"""Migrations between revisions of the library's tables, forward only; run by `storage.database.migration`."""
