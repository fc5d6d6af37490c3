"""A motion drawn by hand: a sequence of points, and the tool's straight path through them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foundation.camera import Camera
from foundation.errors import KnownError
from foundation.trajectory import Scene, Trajectory
from workflows.cancellation import Cancellation, Report
from workflows.proposals.proposal import Proposal, proposal_from_trajectory

SPEED = 0.12  # m/s between two points
_SHORTEST = 0.4  # s between two points at least
_GRIP = 0.8  # s the tool rests while the gripper opens or closes
_STEP = 0.05  # s between the poses that are computed
_FRAME = 0.1  # s between the frames that are shown
_FEWEST, _MOST = 21, 161  # frames
_SAME = 0.05  # change of the gripper's opening below which it counts as unchanged
_FLAT = 1e-3  # cosine of the angle between a ray and a plane's normal, below which they count as parallel


class DrawingError(KnownError):
    """The drawing is not a valid motion."""


@dataclass(frozen=True)
class DrawnPoint:
    """Next point of the tool's path, (x, y, z) m in the base frame, and the gripper's `openness` from there on."""

    position: tuple[float, float, float]
    openness: float = 1.0


def point_at_height(camera: Camera, pixel: np.ndarray, height: float) -> np.ndarray | None:
    """Return the point (3,) m that a static camera sees at `pixel` (2,), `height` m above the base; None where its
    ray does not reach that height."""
    origin, towards = camera.rays(np.asarray(pixel, float))
    if abs(towards[2]) < _FLAT:
        return None
    far = (height - origin[2]) / towards[2]
    return origin + far * towards if far > 0.0 else None


def drawn_trajectory(base_from_tool: np.ndarray, openness: float, points: Sequence[DrawnPoint]) -> Trajectory:
    """Return the straight path from the tool's present pose (4, 4) through the points, its orientation kept.

    The tool stops at each point, and the gripper moves there. Raises DrawingError without points, or when they all
    coincide with the present position.
    """
    times, way, opened = [0.0], [base_from_tool[:3, 3]], [float(openness)]
    for point in points:
        _go_to(np.array(point.position, float), times, way, opened)
        if abs(point.openness - opened[-1]) > _SAME:
            times.append(times[-1] + _GRIP)
            way.append(way[-1])
            opened.append(point.openness)
    if len(times) < 2:
        raise DrawingError("Nothing is drawn yet. Click into a picture where the tool should go.")
    frames = int(np.clip(round(times[-1] / _FRAME) + 1, _FEWEST, _MOST))
    shown = np.linspace(0.0, times[-1], frames)
    poses = np.tile(np.array(base_from_tool, float), (frames, 1, 1))
    poses[:, :3, 3] = np.stack([np.interp(shown, times, axis) for axis in np.array(way).T], axis=-1)
    return Trajectory(shown, poses, np.interp(shown, times, opened))


def _go_to(goal: np.ndarray, times: list[float], way: list[np.ndarray], opened: list[float]) -> None:
    """Append a leg to `goal` with a cosine speed profile, at rest at both ends."""
    start, began = way[-1], times[-1]
    distance = float(np.linalg.norm(goal - start))
    if distance < 1e-4:
        return
    takes = max(_SHORTEST, 0.5 * np.pi * distance / SPEED)
    for share in np.linspace(0.0, 1.0, max(2, round(takes / _STEP) + 1))[1:]:
        times.append(began + takes * float(share))
        way.append(start + 0.5 * (1.0 - np.cos(np.pi * share)) * (goal - start))
        opened.append(opened[-1])


class DrawnSource:
    """The motion through these points, for the present scene; `begun_from`: id of the rehearsal it derives from."""

    name = "drawn"

    def __init__(self, points: Sequence[DrawnPoint], begun_from: str = ""):
        self._points, self._begun_from = tuple(points), begun_from

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the drawn motion. Raises DrawingError when the points are not a valid motion."""
        report("Drawing the motion", 0.05)
        drawn = drawn_trajectory(scene.base_from_tool, scene.openness, self._points)
        proposal = proposal_from_trajectory(instruction, self.name, scene, drawn, report, token)
        return replace(proposal, begun_from=self._begun_from)
