"""Batched extraction of image windows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Windows:
    """Image windows: pixels `values` (n, h, w) with `weights` (n, h, w), at `rows` (n, h) and `columns` (n, w) of their
    images."""

    values: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def windows_around(
    images: np.ndarray,
    where: np.ndarray,
    middle: np.ndarray,
    offsets: np.ndarray,
    *,
    centre: np.ndarray | None = None,
    reach: float = np.inf,
    unmix: np.ndarray | None = None,
) -> Windows:
    """Extract the pixels of images (N, H, W, 3), uint8 or float in [0, 1], at `offsets` (w,) from `middle` (n, 2).

    Window i shows channel where[i] % 3 of image where[i] // 3 in [0, 1], mapped through `unmix` (3, 3), if given, from
    observed to rendered colours. Pixels inside the image and within `reach` px of `centre` (n, 2) have weight 1.
    """
    _, height, width, _ = images.shape
    columns, rows = middle[:, 0, None] + offsets, middle[:, 1, None] + offsets
    image, channel = np.divmod(where, 3)
    down = (image[:, None] * height + np.clip(rows, 0, height - 1)) * (width * 3)
    first = down[:, :, None] + (np.clip(columns, 0, width - 1) * 3)[:, None, :]
    flat = images.reshape(-1)
    if unmix is None or (unmix == np.eye(3)).all():
        values = flat.take(first + channel[:, None, None]).astype(np.float32)
    else:
        share = unmix[channel].astype(np.float32)[:, :, None, None]
        values = (
            flat.take(first) * share[:, 0] + flat.take(first + 1) * share[:, 1] + flat.take(first + 2) * share[:, 2]
        )
    if images.dtype == np.uint8:
        values *= np.float32(1 / 255)
    # Pixels outside the image are beyond any reach.
    centre = middle if centre is None else centre
    inside_x, inside_y = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    square_x = np.where(inside_x, (columns - centre[:, 0, None]) ** 2, np.inf).astype(np.float32)
    square_y = np.where(inside_y, (rows - centre[:, 1, None]) ** 2, np.inf).astype(np.float32)
    weights = square_y[:, :, None] + square_x[:, None, :] <= np.float32(min(reach**2, 1e30))
    return Windows(values, weights.astype(np.float32), rows, columns)
