"""Live views of the cameras, with what is drawn over them."""
