"""Action images: a trajectory as coloured Gaussians in each camera's video, and back (docs/action-images.md)."""

from model.action_blobs import find_points
from model.action_decoding import Decoded, decode
from model.action_encoding import AXIS_LENGTH, CHANNELS, PEDESTAL, SIGMA
from model.action_overlay import draw_overlay, draw_trajectory
from model.action_rendering import render

__all__ = [
    "AXIS_LENGTH",
    "CHANNELS",
    "PEDESTAL",
    "SIGMA",
    "Decoded",
    "decode",
    "draw_overlay",
    "draw_trajectory",
    "find_points",
    "render",
]
