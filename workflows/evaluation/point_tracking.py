"""Point tracking in videos: TAP-Vid's metric, a classical tracker as baseline, and triangulation."""

from collections.abc import Sequence

import cv2
import numpy as np

from foundation.camera import Camera
from model.action_images.encoding import tool_points

# TAP-Vid (Doersch et al., 2022): a point within this many px, at 256 x 256 px image size, counts as found.
THRESHOLDS_PX, AT_SIDE_PX = (1.0, 2.0, 4.0, 8.0, 16.0), 256.0


def true_tracks(poses: np.ndarray, cameras: Sequence[Camera]) -> np.ndarray:
    """Project the three action points of tool poses (T, 4, 4) to pixels (V, T, 3, 2); NaN outside the image."""
    points = tool_points(poses)
    tracks = np.stack([camera.project(points) for camera in cameras])
    seen = np.stack([camera.sees(track) for camera, track in zip(cameras, tracks, strict=True)])
    return np.where(seen[..., None], tracks, np.nan)


def average_jaccard(tracked: np.ndarray, true: np.ndarray, side_px: int) -> float:
    """Return TAP-Vid's average Jaccard of tracks (n, T, 2) px, NaN where invisible, in images of `side_px`.

    Per threshold: true positives over true positives, false positives and false negatives; a point too far away is both
    of the latter. The first frame, which is given, does not count. NaN where there is nothing to track.
    """
    tracked, true = tracked[:, 1:], true[:, 1:]
    visible, claimed = ~np.isnan(true[..., 0]), ~np.isnan(tracked[..., 0])
    if not visible.any():
        return float("nan")
    apart = np.where(visible & claimed, np.linalg.norm(tracked - true, axis=-1), np.inf) * AT_SIDE_PX / side_px
    scores = []
    for threshold in THRESHOLDS_PX:
        found = apart <= threshold
        false_alarms = claimed & ~found
        scores.append(found.sum() / (visible.sum() + false_alarms.sum()))
    return float(np.mean(scores))


def followed(video: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Track points `start` (n, 2) through a video (T, H, W, 3) uint8 by OpenCV's pyramidal Lucas-Kanade.

    Works frame by frame. Returns tracks (T, n, 2) px, NaN once a point is lost.
    """
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in video]
    window = max(7, greys[0].shape[0] // 8) | 1
    tracks = np.full((len(video), len(start), 2), np.nan)
    tracks[0] = start
    for t in range(1, len(video)):
        kept = np.flatnonzero(~np.isnan(tracks[t - 1, :, 0]))
        if not len(kept):
            break
        before = tracks[t - 1, kept].astype(np.float32)[:, None]
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            greys[t - 1], greys[t], before, np.empty_like(before), winSize=(window, window), maxLevel=3
        )
        inside = status[:, 0].astype(bool) & (np.abs(found[:, 0]).max(axis=-1) < 4 * max(greys[0].shape))
        tracks[t, kept[inside]] = found[inside, 0]
    return tracks


def triangulated(tracks: np.ndarray, cameras: Sequence[Camera]) -> np.ndarray:
    """Triangulate points (T, 3) in base from one point's tracks (V, T, 2) px by least squares; NaN for one view."""
    found = np.full((tracks.shape[1], 3), np.nan)
    rays = [camera.rays(np.nan_to_num(track)) for camera, track in zip(cameras, tracks, strict=True)]
    seen = ~np.isnan(tracks[..., 0])
    for t in np.flatnonzero(seen.sum(axis=0) >= 2):
        across, at = np.zeros((3, 3)), np.zeros(3)
        for view in np.flatnonzero(seen[:, t]):
            origin, direction = rays[view][0][t], rays[view][1][t]
            project = np.eye(3) - np.outer(direction, direction)
            across, at = across + project, at + project @ origin
        if np.linalg.cond(across) < 1e8:
            found[t] = np.linalg.solve(across, at)
    return found


def path_error_mm(positions: np.ndarray, true: np.ndarray) -> float:
    """Return the mean distance in mm between positions (T, 3) and the true ones, after the given first frame.

    An unknown frame takes the last known position, as of an arm that waits. NaN when none is known.
    """
    known: np.ndarray = ~np.isnan(positions[..., 0])
    if not known.any():
        return float("nan")
    latest = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    latest[latest < 0] = int(np.argmax(known))
    return 1000.0 * float(np.linalg.norm(positions[latest] - true, axis=-1)[1:].mean())
