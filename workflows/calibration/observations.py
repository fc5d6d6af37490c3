"""A calibration in progress, as an immutable value: the board, the cameras, and their observations per arm pose."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cameras.calibration.board import BENCH_TAG_SIZE, GRIPPER_BOARD, TagBoard
from cameras.calibration.board_view import BoardView
from cameras.calibration.coverage import coverage
from cameras.calibration.drift import BenchSight
from cameras.calibration.rig_data import POSITION_ACCURACY, ROTATION_ACCURACY
from cameras.intrinsics import Intrinsics
from foundation.errors import KnownError

PLANNED_POSES = 30
LEAST_VIEWS = 8
"""Of each camera: with fewer the two halves of the data say nothing about each other."""

NEEDED_TILT_DEG = 25.0


class CalibrationError(KnownError):
    """A calibration cannot be computed from the observations."""


class WrongTagSize(CalibrationError):
    """The tags are not of the size in the board's description; `suggested` is their true size, m."""

    def __init__(self, message: str, suggested: float):
        super().__init__(message)
        self.suggested = suggested


class BoardSlipped(CalibrationError):
    """The board moved on the gripper; `after` is the index of the last good observation."""

    def __init__(self, message: str, after: int):
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, eq=False)
class CameraEntry:
    """A participating camera: its stable `identity`, the operator's name for it, and its intrinsics."""

    identity: str
    name: str
    intrinsics: Intrinsics


@dataclass(frozen=True)
class Delay:
    """`seconds` by which a camera's frames are stamped later than the arm's measurements, its standard deviation,
    and the number of `frames` it was estimated from."""

    seconds: float
    uncertainty: float
    frames: int


@dataclass(frozen=True)
class ArmAccuracy:
    """Deviation of the tool from the pose the controller reports, per axis: `position` m, `rotation` rad."""

    position: float = POSITION_ACCURACY
    rotation: float = ROTATION_ACCURACY


@dataclass(frozen=True, eq=False)
class Observation:
    """One pose of the standing arm, as it reports it, and each camera's view of the board there.

    `joints` (7,) rad; `base_from_tool` (4, 4); `views` by camera identity; `mount` is incremented each time the board
    is mounted anew.
    """

    joints: np.ndarray
    base_from_tool: np.ndarray
    views: Mapping[str, BoardView]
    mount: int = 0


@dataclass(frozen=True, eq=False)
class Missing:
    """Coverage of a camera, and what it still needs: `regions` (3, 3) bool, ninths of its image with the board seen."""

    identity: str
    name: str
    poses: int
    poses_needed: int
    regions: np.ndarray
    tilt_deg: float
    tilt_needed_deg: float
    distance_ratio: float
    sentence: str

    @property
    def complete(self) -> bool:
        return not self.sentence


@dataclass(frozen=True, eq=False)
class CalibrationSession:
    """All inputs of a calibration; each change makes a new session."""

    board: TagBoard = GRIPPER_BOARD
    cameras: tuple[CameraEntry, ...] = ()
    observations: tuple[Observation, ...] = ()
    arm: ArmAccuracy = ArmAccuracy()
    delays: Mapping[str, Delay] = field(default_factory=dict)
    bench: Mapping[str, BenchSight] = field(default_factory=dict)
    bench_tag_size: float = BENCH_TAG_SIZE
    mount: int = 0

    def added(self, observation: Observation) -> "CalibrationSession":
        """Return the session with one more pose. Raises CalibrationError when an image is not of its lens's size."""
        for identity, view in observation.views.items():
            lens = self.camera(identity).intrinsics
            if (view.width, view.height) != (lens.width, lens.height):
                raise CalibrationError(
                    f"The camera {self.camera(identity).name} sends {view.width} x {view.height} pictures, and its "
                    f"lens is known for {lens.width} x {lens.height}. Choose that size, or measure the lens again."
                )
        return replace(self, observations=(*self.observations, replace(observation, mount=self.mount)))

    def without(self, index: int) -> "CalibrationSession":
        """Return the session without one pose."""
        kept = (*self.observations[:index], *self.observations[index + 1 :])
        return replace(self, observations=kept)

    def joined_by(self, *cameras: CameraEntry) -> "CalibrationSession":
        """Return the session with more cameras; the others keep their observations, and their poses if seen jointly."""
        together = {camera.identity: camera for camera in (*cameras, *self.cameras)}
        known = {camera.identity for camera in self.cameras}
        new = (camera for identity, camera in together.items() if identity not in known)
        return replace(self, cameras=(*self.cameras, *new))

    def remounted(self) -> "CalibrationSession":
        """Return the session with the board mounted anew from now on, slightly differently than before."""
        return replace(self, mount=self.mount + 1) if self.observations else self

    def slipped(self, after: int) -> "CalibrationSession":
        """Return the session with the board mounted anew after observation `after`: no pose has to be repeated."""
        moved = (replace(each, mount=each.mount + 1) for each in self.observations[after + 1 :])
        return replace(self, observations=(*self.observations[: after + 1], *moved), mount=self.mount + 1)

    def camera(self, identity: str) -> CameraEntry:
        """Return the entry of a camera. Raises CalibrationError for a camera that does not take part."""
        for each in self.cameras:
            if each.identity == identity:
                return each
        names = ", ".join(each.name for each in self.cameras) or "none"
        raise CalibrationError(f"The camera {identity} takes no part in this calibration; there are: {names}.")

    def views_of(self, identity: str) -> list[BoardView]:
        return [each.views[identity] for each in self.observations if identity in each.views]

    def missing(self) -> tuple[Missing, ...]:
        """Return, per camera, its coverage and what it still needs."""
        return tuple(self._missing(camera) for camera in self.cameras)

    def _missing(self, camera: CameraEntry) -> Missing:
        views = self.views_of(camera.identity)
        covered = coverage(views, self.board, camera.intrinsics)
        sentence = ""
        if len(views) < LEAST_VIEWS:
            sentence = f"{LEAST_VIEWS - len(views)} more poses in which {camera.name} sees the board"
        elif covered.tilt_deg < NEEDED_TILT_DEG:
            sentence = f"the board more tilted towards {camera.name}: {NEEDED_TILT_DEG:.0f} degrees or more"
        return Missing(
            camera.identity,
            camera.name,
            len(views),
            LEAST_VIEWS,
            covered.regions,
            covered.tilt_deg,
            NEEDED_TILT_DEG,
            covered.distance_ratio,
            sentence,
        )
