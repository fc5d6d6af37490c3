"""Small motion as a source would propose it, with two cameras and known positions."""

import numpy as np

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Trajectory
from gui.player.playback_clip import PlaybackClip, make_clip
from model.action_images.rendering import render

T = 9
CAMERAS = (
    camera_at("front", 64, 48, 0.9, (1.1, 0.2, 0.6), (0.4, 0.0, 0.1)),
    camera_at("side", 64, 48, 0.9, (0.4, -0.9, 0.5), (0.4, 0.0, 0.1)),
)


def joints() -> np.ndarray:
    """Return joints (T, 7) rad, turning away from the home posture."""
    q = np.tile(xarm7.HOME, (T, 1))
    q[:, 0] += np.linspace(0.0, 0.6, T)
    return q


def trajectory() -> Trajectory:
    """Return the motion's trajectory; the gripper closes in the middle."""
    openness = np.where(np.arange(T) < 4, 1.0, 0.0)
    return Trajectory(np.arange(T) * 0.25, xarm7.forward(joints()), openness)


def film(still: bool = False) -> PlaybackClip:
    """Return a clip in which every image has one grey value: 20 times the view plus the frame."""
    frames = 1 if still else T
    shades = [[np.full((48, 64, 3), 20 * view + frame, np.uint8) for frame in range(frames)] for view in range(2)]
    action = np.round(255 * render(trajectory(), CAMERAS)).astype(np.uint8)
    confidence = np.linspace(1.0, 0.2, T)
    moments = trajectory().times
    return make_clip(
        CAMERAS, [np.stack(v) for v in shades], action, trajectory(), moments=moments, confidence=confidence
    )
