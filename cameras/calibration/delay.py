"""Estimation of a camera's delay against the arm's measurements, from a board moved by the arm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cameras.calibration.board import TagBoard
from cameras.calibration.board_view import BoardView
from cameras.intrinsics import Intrinsics
from foundation.poses import transform

LONGEST = 0.4  # s: a camera with a larger delay is unfit for observing an arm
LEAST_FRAMES = 15
LEAST_SPEED_PX = 20.0  # px/s rms: with less motion in the image the delay is not observable
_HUBER_PX = 1.5
_STEP = 0.002  # s, step of the numerical derivative
_COARSE = 0.01  # s
_STEPS = 8


@dataclass(frozen=True)
class FoundDelay:
    """Delay in `seconds` and its standard deviation `uncertainty`, from `frames` images; `rms_px` is the residual."""

    seconds: float
    uncertainty: float
    frames: int
    rms_px: float


def estimate_delay(
    stamped: np.ndarray,
    views: Sequence[BoardView],
    board: TagBoard,
    lens: Intrinsics,
    camera_from_board_at: Callable[[np.ndarray], np.ndarray],
) -> FoundDelay | None:
    """Estimate the delay that aligns the arm's motion with the images; None if the motion is not sufficient.

    A constant offset in the image is a free parameter, so that calibration errors do not appear as delay.

    Args:
        stamped: Timestamps (n,) s of the images with `views`.
        camera_from_board_at: Poses (n, 4, 4) at times (n,), from the arm's measurements.
    """
    if len(views) < LEAST_FRAMES:
        return None
    measured = np.array([view.pixels.mean(axis=0) for view in views])

    def differences(delay: float) -> np.ndarray:
        there = camera_from_board_at(stamped - delay)
        return np.array([_middle(board, view, each, lens) for view, each in zip(views, there, strict=True)]) - measured

    coarse = np.arange(-_COARSE, LONGEST, _COARSE)
    spreads = [float(np.median(np.linalg.norm(_centred(differences(each)), axis=1))) for each in coarse]
    delay = float(coarse[int(np.argmin(spreads))])
    by_delay, sigma = np.zeros_like(measured), float("inf")
    for _ in range(_STEPS):
        by_delay = (differences(delay + _STEP) - differences(delay - _STEP)) / (2 * _STEP)
        step, sigma = _step(differences(delay), by_delay)
        delay += step
        if abs(step) < 1e-6:
            break
    speed = float(np.sqrt((_centred(by_delay) ** 2).sum(axis=1).mean()))
    rest = _centred(differences(delay))
    if speed < LEAST_SPEED_PX:
        return None
    return FoundDelay(delay, sigma, len(views), float(np.sqrt((rest**2).sum(axis=1).mean())))


def _step(error: np.ndarray, by_delay: np.ndarray) -> tuple[float, float]:
    """Return the change of the delay and its standard deviation, with the constant offset eliminated; Huber weights."""
    rest = error - np.median(error, axis=0)
    weights = np.minimum(1.0, _HUBER_PX / np.maximum(np.linalg.norm(rest, axis=1), 1e-9))[:, None]
    slope = by_delay - (weights * by_delay).sum(axis=0) / weights.sum()
    square = float((weights * slope**2).sum())
    if square < 1e-9:
        return 0.0, float("inf")
    step = -float((weights * slope * (error - (weights * error).sum(axis=0) / weights.sum())).sum()) / square
    left = _centred(error + step * by_delay)
    return step, float(np.sqrt((weights * left**2).sum() / max(len(error) * 2 - 3, 1) / square))


def _middle(board: TagBoard, view: BoardView, camera_from_board: np.ndarray, lens: Intrinsics) -> np.ndarray:
    points = transform(camera_from_board, board.points(view.ids).reshape(-1, 3))
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.K, lens.distortion)
    return pixels[:, 0].mean(axis=0)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - np.median(values, axis=0)
