"""Recording demonstrations into the library, and looking at them."""
