"""Resizing of image arrays."""

import cv2
import numpy as np


def resize_images(images: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize uint8 images (..., H, W, 3), with the pixel mapping of Camera.resized."""
    if images.shape[-3:-1] == (height, width):
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    shrinks = height <= flat.shape[1] and width <= flat.shape[2]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    done = np.stack([cv2.resize(image, (width, height), interpolation=how) for image in flat])
    return done.reshape(*images.shape[:-3], height, width, 3)
