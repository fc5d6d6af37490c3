"""Degradations of action images between rendering and decoding."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np

BLUR_PX = 2.0
NOISE = 0.05
GHOST = 0.5


def eight_bit(images: np.ndarray) -> np.ndarray:
    return np.rint(images * 255.0).astype(np.uint8)


def h264(images: np.ndarray) -> np.ndarray:
    """Encode and decode 8-bit images (V, T, H, W, 3), one H.264 video per view: crf 23, yuv420p, x264 defaults."""
    return np.stack([_through_h264(video) for video in eight_bit(images)])


def _through_h264(video: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(5), options={"crf": "23", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = video.shape[1], video.shape[2], "yuv420p"
        for image in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, "r") as written:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)])


def corrupted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a ghost to one view: the same image at half strength, shifted anywhere; then blur, noise and 8 bits."""
    images = images.copy()
    view = rng.integers(len(images))
    images[view] = _with_ghost(images[view], rng)
    for video in images:
        for image in video:
            cv2.GaussianBlur(image, (0, 0), BLUR_PX, dst=image, borderType=cv2.BORDER_REPLICATE)
    images += NOISE * rng.standard_normal(images.shape, np.float32)
    return eight_bit(np.clip(images, 0.0, 1.0, out=images))


def _with_ghost(video: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the ghost to all frames with one shift; what leaves the image is lost."""
    height, width = video.shape[1:3]
    move = np.array([[1, 0, rng.uniform(-0.5, 0.5) * width], [0, 1, rng.uniform(-0.5, 0.5) * height]])
    with_ghost = []
    for image in video:
        blobs = image - image[..., 2].min() * np.array([0, 0, 1], np.float32)  # the pedestal adds no ghost of its own
        ghost = cv2.warpAffine(blobs, move, (width, height))
        with_ghost.append(np.minimum(image + GHOST * ghost, 1.0))
    return np.stack(with_ghost)
