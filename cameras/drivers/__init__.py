"""Camera drivers, and the listing of what is connected. A new camera is a module here."""
