"""Camera drivers, and the listing of connected cameras. A new type of camera is a module here."""
