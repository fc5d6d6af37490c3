"""The steps from one form of the library's tables to the next, forward only; `storage.database.migration` runs them."""
