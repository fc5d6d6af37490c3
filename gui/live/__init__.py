"""Live camera views with overlays."""
