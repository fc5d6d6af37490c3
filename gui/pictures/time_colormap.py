"""Colour map for time, the same in every view: blue at the beginning, green, red at the end.

Identical to that of `model.action_images.overlay.draw_trajectory`.
"""

from functools import lru_cache

import cv2
import numpy as np

FIRST, LAST = 40, 255  # of the colour map's 256 entries: its darkest blue is invisible on a dark image


@lru_cache(maxsize=32)
def time_colours(count: int) -> np.ndarray:
    """Return `count` RGB colours (count, 3) uint8, from the first to the last frame."""
    ramp = np.linspace(FIRST, LAST, max(count, 1)).astype(np.uint8)[:, None]
    colours = cv2.applyColorMap(ramp, cv2.COLORMAP_TURBO)[:, 0, ::-1][:count]
    colours.setflags(write=False)  # the array is cached
    return colours
