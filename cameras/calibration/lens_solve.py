"""Lens calibration from views of a tag grid (Zhang 2000), with outliers rejected and validated on held-out views."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cameras.calibration.board import TagBoard
from cameras.calibration.board_view import BoardView
from cameras.calibration.lens_session import LensSession
from cameras.calibration.rig_start import board_pose
from cameras.errors import CameraError
from cameras.intrinsics import Intrinsics

MOST_RMS_PX, MOST_HELD_OUT_RATIO = 0.3, 1.2
MOST_FACTORY_PX = 0.5
LEAST_VIEWS, LEAST_CHECKED = 8, 3
_OUTLIER = 3.0  # times the median view's rms
_FOLDS = 5
_SEED = 11


@dataclass(frozen=True, eq=False)
class LensResult:
    """Result of a lens calibration.

    `rms_px` and `held_out_px` are per corner; `dropped` are (index of the view, reason); `pixels` (n, 2) with their
    `residuals_px` (n, 2); `sentence` says whether it is good, and what to do.
    """

    intrinsics: Intrinsics
    rms_px: float
    held_out_px: float
    dropped: tuple[tuple[int, str], ...]
    pixels: np.ndarray
    residuals_px: np.ndarray
    ok: bool
    sentence: str


@dataclass(frozen=True)
class LensCheck:
    """Fit of a known lens to some views."""

    rms_px: float
    ok: bool
    sentence: str


def solve_lens(session: LensSession, *, guess: Intrinsics | None = None) -> LensResult:
    """Calibrate the lens from the session's views; takes some seconds for thirty views.

    `guess` is the initial value, such as the factory calibration. Raises CameraError with fewer than LEAST_VIEWS views.
    """
    if len(session.views) < LEAST_VIEWS:
        raise CameraError(
            f"A lens needs {LEAST_VIEWS} views or more, not {len(session.views)}. Show the grid in more places."
        )
    numbers = list(range(len(session.views)))
    lens = _solved(session, numbers, guess)
    rms = np.array([_view_rms(session.board, view, lens) for view in session.views])
    bad = rms > max(_OUTLIER * float(np.median(rms)), MOST_RMS_PX)
    dropped = tuple((int(n), f"its corners are {rms[n]:.1f} px off: moved, or bent") for n in np.flatnonzero(bad))
    kept = [number for number in numbers if not bad[number]]
    if len(kept) < LEAST_VIEWS:
        raise CameraError("The views contradict each other. Check the grid's description, and that it is flat.")
    if dropped:
        lens = _solved(session, kept, lens)
    held_out = _held_out(session, kept, lens)
    errors = [_errors(session.board, session.views[number], lens) for number in kept]
    residuals = np.concatenate(errors)
    rms_px = float(np.sqrt((residuals**2).sum(axis=1).mean()))
    ok = rms_px <= MOST_RMS_PX and held_out <= MOST_HELD_OUT_RATIO * max(rms_px, 0.05) and session.missing.complete
    pixels = np.concatenate([session.views[number].pixels for number in kept])
    return LensResult(lens, rms_px, held_out, dropped, pixels, residuals, ok, _sentence(session, rms_px, held_out, ok))


def check_lens(intrinsics: Intrinsics, views: Sequence[BoardView], board: TagBoard) -> LensCheck:
    """Check a factory calibration on views of a flat grid; each view's pose is free, so no arm is needed."""
    if len(views) < LEAST_CHECKED:
        return LensCheck(float("nan"), False, f"{LEAST_CHECKED - len(views)} more views are needed for the check.")
    if any((view.width, view.height) != (intrinsics.width, intrinsics.height) for view in views):
        words = (
            f"The lens is known for {intrinsics.width} x {intrinsics.height} pictures, and the camera sends "
            f"{views[0].width} x {views[0].height}. Choose that size, or measure the lens."
        )
        return LensCheck(float("nan"), False, words)
    rms = float(np.sqrt(np.mean([_view_rms(board, view, intrinsics) ** 2 for view in views])))
    if rms <= MOST_FACTORY_PX:
        return LensCheck(rms, True, f"The lens is as the factory says ({rms:.2f} px).")
    return LensCheck(rms, False, f"The lens is not as the factory says ({rms:.2f} px). Measure it with the grid.")


def _solved(session: LensSession, numbers: list[int], guess: Intrinsics | None) -> Intrinsics:
    views = [session.views[number] for number in numbers]
    points = [session.board.points(view.ids).reshape(-1, 1, 3).astype(np.float32) for view in views]
    pixels = [view.pixels.reshape(-1, 1, 2).astype(np.float32) for view in views]
    size = (session.width, session.height)
    flags, K, distortion = 0, np.eye(3), np.zeros(5)
    if guess is not None:
        flags, K = cv2.CALIB_USE_INTRINSIC_GUESS, guess.K.copy()
        distortion[: min(5, len(guess.distortion))] = guess.distortion[:5]
    if not session.missing.regions.all():  # k3 is not constrained without data in the image corners
        flags |= cv2.CALIB_FIX_K3
    _, K, distortion, _, _ = cv2.calibrateCamera(points, pixels, size, K, distortion, flags=flags)
    return Intrinsics(session.width, session.height, K, np.ravel(distortion))


def _held_out(session: LensSession, kept: list[int], lens: Intrinsics) -> float:
    squares: list[np.ndarray] = []
    for part in np.array_split(np.random.default_rng(_SEED).permutation(kept), _FOLDS):
        rest = [number for number in kept if number not in part]
        found = _solved(session, rest, lens)
        squares += [(_errors(session.board, session.views[n], found) ** 2).sum(axis=1) for n in part]
    return float(np.sqrt(np.concatenate(squares).mean()))


def _view_rms(board: TagBoard, view: BoardView, lens: Intrinsics) -> float:
    return float(np.sqrt((_errors(board, view, lens) ** 2).sum(axis=1).mean()))


def _errors(board: TagBoard, view: BoardView, lens: Intrinsics) -> np.ndarray:
    """Return the residuals (n, 2) px of a view with the grid at its best-fit pose."""
    points = board.points(view.ids).reshape(-1, 3)
    there = board_pose(points, view.pixels, lens)
    pixels, _ = cv2.projectPoints(points, cv2.Rodrigues(there[:3, :3])[0], there[:3, 3], lens.K, lens.distortion)
    return pixels[:, 0] - view.pixels


def _sentence(session: LensSession, rms_px: float, held_out: float, ok: bool) -> str:
    figures = f"{rms_px:.2f} px, held out {held_out:.2f} px"
    if ok:
        return f"The lens is measured well ({figures})."
    missing = session.missing
    if not missing.complete:
        return f"The lens is not measured everywhere ({figures}). {missing.sentence}"
    return f"The lens is not measured well enough ({figures}). Check that the grid is flat and sharp, and repeat."
