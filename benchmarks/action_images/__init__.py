"""Accuracy and speed of rendering and decoding action images."""
