"""A calibration in the making, as a value: the board, the cameras, and what they saw at which pose of the arm."""

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
    """A calibration cannot be computed from what was seen."""


class WrongTagSize(CalibrationError):
    """The tags are not as large as the board's description says; `suggested` is their true size, m."""

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
    """A camera that takes part: its stable `identity`, what people call it, and its lens."""

    identity: str
    name: str
    intrinsics: Intrinsics


@dataclass(frozen=True)
class Delay:
    """`seconds` by which a camera's pictures are stamped later than the arm's measurements, its standard deviation,
    and from how many `frames`."""

    seconds: float
    uncertainty: float
    frames: int


@dataclass(frozen=True)
class ArmAccuracy:
    """How far the tool is from where the controller says, per axis: `position` m, `rotation` rad."""

    position: float = POSITION_ACCURACY
    rotation: float = ROTATION_ACCURACY


@dataclass(frozen=True, eq=False)
class Observation:
    """One pose of the standing arm, by its own word, and each camera's view of the board there.

    `joints` (7,) rad; `base_from_tool` (4, 4); `views` by camera identity; `mount` rises with each time the board was
    fastened anew.
    """

    joints: np.ndarray
    base_from_tool: np.ndarray
    views: Mapping[str, BoardView]
    mount: int = 0


@dataclass(frozen=True, eq=False)
class Missing:
    """What a camera has, and what it still needs: `regions` (3, 3) bool, ninths of its picture with the board seen."""

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
    """Everything a calibration is computed from; each change makes a new session."""

    board: TagBoard = GRIPPER_BOARD
    cameras: tuple[CameraEntry, ...] = ()
    observations: tuple[Observation, ...] = ()
    arm: ArmAccuracy = ArmAccuracy()
    delays: Mapping[str, Delay] = field(default_factory=dict)
    bench: Mapping[str, BenchSight] = field(default_factory=dict)
    bench_tag_size: float = BENCH_TAG_SIZE
    mount: int = 0

    def added(self, observation: Observation) -> "CalibrationSession":
        """With one more pose. Raises CalibrationError for a picture that is not of its lens's size."""
        for identity, view in observation.views.items():
            lens = self.camera(identity).intrinsics
            if (view.width, view.height) != (lens.width, lens.height):
                raise CalibrationError(
                    f"The camera {self.camera(identity).name} sends {view.width} x {view.height} pictures, and its "
                    f"lens is known for {lens.width} x {lens.height}. Choose that size, or measure the lens again."
                )
        return replace(self, observations=(*self.observations, replace(observation, mount=self.mount)))

    def without(self, index: int) -> "CalibrationSession":
        """Without one pose."""
        kept = (*self.observations[:index], *self.observations[index + 1 :])
        return replace(self, observations=kept)

    def joined_by(self, *cameras: CameraEntry) -> "CalibrationSession":
        """With more cameras; what the others saw stays, and so do their places once enough is seen together."""
        together = {camera.identity: camera for camera in (*cameras, *self.cameras)}
        known = {camera.identity for camera in self.cameras}
        new = (camera for identity, camera in together.items() if identity not in known)
        return replace(self, cameras=(*self.cameras, *new))

    def remounted(self) -> "CalibrationSession":
        """From now on with the board fastened anew, somewhat otherwise than before."""
        return replace(self, mount=self.mount + 1) if self.observations else self

    def slipped(self, after: int) -> "CalibrationSession":
        """With the board taken as fastened anew after observation `after`: nothing has to be seen again."""
        moved = (replace(each, mount=each.mount + 1) for each in self.observations[after + 1 :])
        return replace(self, observations=(*self.observations[: after + 1], *moved), mount=self.mount + 1)

    def camera(self, identity: str) -> CameraEntry:
        """Raises CalibrationError for a camera that takes no part."""
        for each in self.cameras:
            if each.identity == identity:
                return each
        names = ", ".join(each.name for each in self.cameras) or "none"
        raise CalibrationError(f"The camera {identity} takes no part in this calibration; there are: {names}.")

    def views_of(self, identity: str) -> list[BoardView]:
        return [each.views[identity] for each in self.observations if identity in each.views]

    def missing(self) -> tuple[Missing, ...]:
        """Per camera, what it has and what it needs."""
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
