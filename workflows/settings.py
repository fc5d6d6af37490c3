"""Persistent settings of the program."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from foundation import settings
from foundation.redaction import keep_out
from robot.workspace import FARTHEST

SIMULATED, REAL = "simulated", "real"


@dataclass(frozen=True)
class ArmSettings:
    """`kind`: "simulated" or "real"; `address`: of the real arm; `gripper`: whether one is mounted."""

    kind: str = SIMULATED
    address: str = "192.168.1.200"
    gripper: bool = True

    def __post_init__(self):
        if self.kind not in (SIMULATED, REAL):
            raise ValueError(f'the arm must be "{SIMULATED}" or "{REAL}", not "{self.kind}"')


@dataclass(frozen=True)
class LabSettings:
    """The embedded lab: `seed` of its scene, `cameras` 2 to 4 with images of `picture_px` (width, height), smaller
    for slow computers, and an instruction that the scene must make possible. `true_places`: use the simulation's
    ground-truth extrinsics for its cameras; otherwise those of a calibration."""

    seed: int = 0
    cameras: int = 2
    instruction: str = "put the red cube in the bowl"
    picture_px: tuple[int, int] = (640, 480)
    true_places: bool = True

    def __post_init__(self):
        if not all(64 <= side <= 1920 and side % 2 == 0 for side in self.picture_px):
            raise ValueError("the lab's pictures must have even sides of 64 to 1920 px")


@dataclass(frozen=True)
class CameraChoice:
    """A camera in use: its stable `identity` (see `cameras.drivers.driver`), and the operator's `name` for it."""

    identity: str
    name: str


@dataclass(frozen=True)
class WorkspaceSettings:
    """Workspace of the arm: an axis-aligned box, m in the base frame."""

    low: tuple[float, float, float] = (-0.3, -0.7, 0.0)
    high: tuple[float, float, float] = (0.8, 0.7, 1.2)

    def __post_init__(self):
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("the first value of X, of Y and of Z must be smaller than the second")
        if not all(abs(value) <= FARTHEST for value in (*self.low, *self.high)):
            raise ValueError(f"the workspace must lie within {FARTHEST} m of the arm's base")


@dataclass(frozen=True)
class SpeedSettings:
    """Speed limits. The defaults are the reduced speed near people of ISO 10218-1, and promise no more."""

    tcp_mm_s: float = 250.0
    joints_deg_s: float = 60.0

    def __post_init__(self):
        if not (0 < self.tcp_mm_s <= 1000 and 0 < self.joints_deg_s <= 180):
            raise ValueError("the speeds must lie in 0..1000 mm/s and 0..180 deg/s")


@dataclass(frozen=True)
class TagSettings:
    """The printed AprilTags: family, edge lengths of the black squares in mm, and paper size. `measured_mm`: measured
    length of the printed 100 mm ruler; the tags' true sizes scale with it."""

    family: str = "tag36h11"
    board_tag_mm: float = 50.0
    bench_tag_mm: float = 60.0
    grid_tag_mm: float = 26.0
    paper: str = "A4"
    measured_mm: float = 100.0

    def __post_init__(self):
        if not all(10.0 <= size <= 200.0 for size in (self.board_tag_mm, self.bench_tag_mm, self.grid_tag_mm)):
            raise ValueError("tags must be 10 to 200 mm wide")
        if not 90.0 <= self.measured_mm <= 110.0:
            raise ValueError("the ruler of 100 mm must measure 90 to 110 mm; print again at 100 %")


@dataclass(frozen=True)
class ProgramSettings:
    """All settings; see `load` and `save`. `library` None: the default folder of this system."""

    arm: ArmSettings = field(default_factory=ArmSettings)
    lab: LabSettings = field(default_factory=LabSettings)
    cameras: tuple[CameraChoice, ...] = ()
    workspace: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    speed: SpeedSettings = field(default_factory=SpeedSettings)
    tags: TagSettings = field(default_factory=TagSettings)
    library: str | None = None
    appearance: str = "system"
    operator: str = ""
    recent_instructions: tuple[str, ...] = ()
    hold_to_run: bool = False  # an approved motion continues only while a button is held

    def __post_init__(self):
        if self.appearance not in ("system", "light", "dark"):
            raise ValueError(f'the appearance must be "system", "light" or "dark", not "{self.appearance}"')

    @property
    def library_folder(self) -> Path:
        """Folder where rehearsals and recordings are kept."""
        return Path(self.library) if self.library else Path(platformdirs.user_data_dir("rehearse"))

    @property
    def limits(self) -> dict[str, Any]:
        """Limits for `robot.service.client.RobotClient`, in SI units."""
        return {
            "tcp_speed": self.speed.tcp_mm_s / 1000.0,
            "joint_speed": math.radians(self.speed.joints_deg_s),
            "workspace": {"low": list(self.workspace.low), "high": list(self.workspace.high)},
        }


def settings_file() -> Path:
    """Return the path of this user's settings file."""
    return Path(platformdirs.user_config_dir("rehearse")) / "settings.json"


def load(path: Path | None = None) -> tuple[ProgramSettings, str | None]:
    """Load the settings; also returns a message when the file was damaged and has been set aside, else None."""
    values, damaged = settings.load(path or settings_file(), ProgramSettings)
    keep_out(values.operator, values.lab.instruction, *values.recent_instructions)
    return values, damaged


def save(values: ProgramSettings, path: Path | None = None) -> None:
    """Save the settings. Raises SettingsError when they cannot be written."""
    keep_out(values.operator, values.lab.instruction, *values.recent_instructions)
    settings.save(path or settings_file(), values)
