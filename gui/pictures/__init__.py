"""One camera's picture as a widget, several side by side, and the colours of time drawn into them."""
