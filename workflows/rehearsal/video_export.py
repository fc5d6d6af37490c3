"""Export of a stored rehearsal as one MP4: all views, intended and actual motion drawn over them, and captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from foundation import xarm7
from foundation.camera import Camera
from foundation.trajectory import Trajectory
from model.action_images.overlay import draw_overlay, draw_trajectory
from workflows.cancellation import Cancellation, Report, silently
from workflows.rehearsal.review import RehearsalReview
from workflows.video_grid import SideBySideVideo

FPS = 10.0
_HEIGHT = 360  # px of each view
_LINE, _MARGIN = 24, 10  # px of the captions
_INK, _PAPER, _FAINT = (235, 238, 242), (20, 23, 28), (160, 170, 182)
_ACTUAL = (255, 80, 220)
_HOLD = 1.0  # s that the last frame is held


@dataclass(frozen=True, eq=False)
class _Shown:
    """Frames of one view (n or 1, H, W, 3), its camera at that size, and action images (n, h, w, 3) or None."""

    pictures: np.ndarray
    camera: Camera
    action: np.ndarray | None


def export_mp4(
    review: RehearsalReview, path: Path, report: Report = silently, token: Cancellation | None = None
) -> Path:
    """Write the MP4 at FPS frames a second of the motion's own time. Raises VideoError; never leaves a partial file."""
    token = token or Cancellation()
    views, moments = _views(review), _moments(review)
    intended = _intended(review, moments)
    part = path.with_name(path.name + ".part")
    try:
        with SideBySideVideo(part, FPS) as video:
            for number, moment in enumerate(moments):
                token.raise_if_cancelled()
                report("Writing the film", number / len(moments))
                pictures = [_drawn(view, review, intended, moment, number) for view in views]
                frame = np.concatenate([np.concatenate(pictures, axis=1), _captions(review, moment, pictures)], axis=0)
                for _ in range(1 + (round(_HOLD * FPS) if number == len(moments) - 1 else 0)):
                    video.add([frame])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _moments(review: RehearsalReview) -> np.ndarray:
    """Return the times (m,) s of the motion, one for each frame of the video."""
    duration = max(review.plan.motion.duration, 1.0 / FPS)
    return np.arange(0.0, duration + 0.5 / FPS, 1.0 / FPS)


def _intended(review: RehearsalReview, moments: np.ndarray) -> Trajectory:
    motion = review.plan.motion
    position = np.array([motion.at(moment).position for moment in moments])
    openness = np.array([motion.openness_at(moment) for moment in moments])
    return Trajectory(moments, xarm7.forward(position), openness)


def _views(review: RehearsalReview) -> list[_Shown]:
    """Return the run's own frames; else the predicted ones; else the images of the scene."""
    if review.filmed:
        known = zip(review.filmed, review.filmed_cameras, strict=True)
        return [_sized(film, camera, None) for film, camera in known if camera is not None]
    if review.rgb is not None:
        actions: Sequence[np.ndarray | None] = (
            [None] * len(review.rgb) if review.action is None else list(review.action)
        )
        return [_sized(*one) for one in zip(review.rgb, review.action_cameras, actions, strict=True)]
    actions = [None] * len(review.scene) if review.action is None else list(review.action)
    return [
        _sized(picture[None], camera, action)
        for picture, camera, action in zip(review.scene, review.cameras, actions, strict=True)
    ]


def _sized(pictures: np.ndarray, camera: Camera, action: np.ndarray | None) -> _Shown:
    width = round(pictures.shape[2] * _HEIGHT / pictures.shape[1])
    sized = np.stack([cv2.resize(picture, (width, _HEIGHT), interpolation=cv2.INTER_AREA) for picture in pictures])
    return _Shown(sized, camera.resized(width, _HEIGHT), action)


def _drawn(view: _Shown, review: RehearsalReview, intended: Trajectory, moment: float, number: int) -> np.ndarray:
    at = int(np.argmin(np.abs(review.moments - moment)))
    frame = int(review.frames[at])
    filmed = bool(review.filmed)
    picture = view.pictures[min(at if filmed else frame, len(view.pictures) - 1)]
    if view.action is not None:
        picture = draw_overlay(picture, view.action[min(frame, len(view.action) - 1)])
    picture = draw_trajectory(picture, view.camera, intended[: max(number + 1, 1)], axes=1)
    passed = review.actual[: at + 1]
    passed = passed[np.isfinite(passed).all(axis=-1)]
    if len(passed) > 1:
        pixels = np.rint(16 * view.camera.project(passed))
        pixels = pixels[np.abs(pixels).max(axis=-1) < 1e6].astype(np.int32)
        picture = cv2.polylines(np.ascontiguousarray(picture), [pixels], False, _ACTUAL, 2, cv2.LINE_AA, 4)
    name = view.camera.name
    cv2.putText(picture, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    return cv2.putText(picture, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)


def _captions(review: RehearsalReview, moment: float, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Render the instruction, the approver, and the progress of the motion on a band below the views."""
    record, width = review.record, sum(picture.shape[1] for picture in pictures)
    band = Image.new("RGB", (width, 3 * _LINE + 2 * _MARGIN), _PAPER)
    draw = ImageDraw.Draw(band)
    now = f"{moment:.1f} of {review.plan.motion.duration:.1f} s at full speed"
    lines = ((record["instruction"], 18, _INK), (_said(record), 14, _FAINT), (now + _error(review, moment), 14, _FAINT))
    for number, (text, size, colour) in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + number * _LINE), text, fill=colour, font=ImageFont.load_default(size))
    return np.asarray(band)


def _said(record: dict) -> str:
    approvals = record.get("approvals") or []
    who = f"approved by {approvals[-1]['who'] or 'somebody'}" if approvals else "not approved"
    outcome = record.get("outcome")
    ended = "" if outcome is None else {True: ", a success", False: ", a failure", None: ""}[outcome["success"]]
    return f"{record['source']}, {who}{ended}"


def _error(review: RehearsalReview, moment: float) -> str:
    error = review.error_mm[int(np.argmin(np.abs(review.moments - moment)))]
    return f"   off the plan: {error:.1f} mm (pink: where the tool really was)" if np.isfinite(error) else ""
