"""One scale of colours for time, in every view: blue at the beginning, green, red at the end.

The same as in `model.action_images.overlay.draw_trajectory`.
"""

from functools import lru_cache

import cv2
import numpy as np

FIRST, LAST = 40, 255  # of the colour map's 256: its darkest blue cannot be seen on a dark picture


@lru_cache(maxsize=32)
def time_colours(count: int) -> np.ndarray:
    """(count, 3) uint8 red, green, blue, from the first to the last frame."""
    ramp = np.linspace(FIRST, LAST, max(count, 1)).astype(np.uint8)[:, None]
    colours = cv2.applyColorMap(ramp, cv2.COLORMAP_TURBO)[:, 0, ::-1][:count]
    colours.setflags(write=False)  # they are handed out again
    return colours
