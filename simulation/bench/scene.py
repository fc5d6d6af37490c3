"""Description of the embedded lab's bench as plain values: a scene can be compared, stored and rebuilt.

The world frame is the robot's base frame: origin under joint 1 on the table's top, x away from the arm, z up.
Metres, radians, kilograms. `build.py` turns a scene into a MuJoCo model.
"""

from dataclasses import asdict, dataclass
from typing import Any

from simulation.bench.camera_spec import CameraSpec

COLOURS = {
    "red": (0.80, 0.10, 0.09),
    "green": (0.12, 0.58, 0.18),
    "blue": (0.08, 0.24, 0.76),
    "yellow": (0.93, 0.80, 0.08),
    "orange": (0.95, 0.45, 0.04),
    "purple": (0.44, 0.13, 0.60),
    "pink": (0.94, 0.46, 0.66),
    "turquoise": (0.08, 0.66, 0.66),
}
SHAPES = ("cube", "cylinder", "ball")
FURNITURE = ("bowl", "box", "drawer")


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """Loose object: `shape` of SHAPES in a colour of COLOURS, at `position` (x, y) rotated by `yaw`.

    `width` is a cube's edge and the diameter of a cylinder or ball; `height` is used for cylinders only.
    """

    colour: str
    shape: str
    position: tuple[float, float]
    yaw: float = 0.0
    width: float = 0.04
    height: float = 0.05

    def __post_init__(self):
        if self.colour not in COLOURS or self.shape not in SHAPES:
            raise ValueError(f"no {self.colour} {self.shape}: colours {tuple(COLOURS)}, shapes {SHAPES}")

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"

    @property
    def size(self) -> tuple[float, float, float]:
        """Upright bounding box in m."""
        return (self.width, self.width, self.height if self.shape == "cylinder" else self.width)


@dataclass(frozen=True, slots=True)
class BowlSpec:
    position: tuple[float, float]
    colour: str = "turquoise"


@dataclass(frozen=True, slots=True)
class BoxSpec:
    """Open box, with its lid beside it or, with `closed`, on it."""

    position: tuple[float, float]
    lid_position: tuple[float, float]
    yaw: float = 0.0
    lid_yaw: float = 0.0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class DrawerSpec:
    """Cabinet on the table; its drawer opens along the cabinet's -x, which faces the arm at yaw 0."""

    position: tuple[float, float]
    yaw: float = 0.0
    opening: float = 0.0  # m


@dataclass(frozen=True, slots=True)
class TagSpec:
    """AprilTag 36h11 glued to the table; `size` m is the black border's outer edge, its top to +x at yaw 0."""

    number: int
    position: tuple[float, float]
    yaw: float = 0.0
    size: float = 0.06


@dataclass(frozen=True, slots=True)
class LightSpec:
    """Lamp above the bench; `brightness` and `ambient` in 0..1."""

    position: tuple[float, float, float] = (0.2, -0.5, 1.6)
    brightness: float = 0.55
    ambient: float = 0.42


BENCH_TAGS = tuple(
    TagSpec(i, position) for i, position in enumerate([(0.2, 0.42), (0.62, 0.42), (0.62, -0.42), (0.2, -0.42)])
)


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Everything on and around the bench. Object names are unique: one object per colour and shape."""

    objects: tuple[ObjectSpec, ...] = ()
    bowl: BowlSpec | None = None
    box: BoxSpec | None = None
    drawer: DrawerSpec | None = None
    tags: tuple[TagSpec, ...] = BENCH_TAGS
    gripper_board: bool = False  # an AprilTag plate on the gripper, for calibration
    table_rgb: tuple[float, float, float] = (0.80, 0.79, 0.77)
    light: LightSpec = LightSpec()
    cameras: tuple[CameraSpec, ...] = ()

    def __post_init__(self):
        for kind, names in (("object", [o.name for o in self.objects]), ("camera", [c.name for c in self.cameras])):
            if len(set(names)) != len(names):
                raise ValueError(f"every {kind} of a scene needs its own name, not {names}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names that an instruction can use in this scene."""
        furniture = [name for name in FURNITURE if getattr(self, name) is not None]
        return (*(o.name for o in self.objects), *furniture, *(["lid"] if self.box else []))

    def object(self, name: str) -> ObjectSpec:
        """Return the loose object of this name; raises KeyError when there is none."""
        return {o.name: o for o in self.objects}[name]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and dictionaries for JSON; `SceneSpec.from_dict` reads them."""
        values = {name: getattr(self, name) for name in ("gripper_board", "table_rgb")}
        parts = {name: getattr(self, name) for name in (*FURNITURE, "light")}
        return {
            **values,
            **{name: None if part is None else asdict(part) for name, part in parts.items()},
            "objects": [asdict(o) for o in self.objects],
            "tags": [asdict(t) for t in self.tags],
            "cameras": [c.to_dict() for c in self.cameras],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "SceneSpec":
        bowl, box, drawer = (values[name] and _tuples(values[name]) for name in FURNITURE)
        return SceneSpec(
            objects=tuple(ObjectSpec(**_tuples(o)) for o in values["objects"]),
            tags=tuple(TagSpec(**_tuples(t)) for t in values["tags"]),
            gripper_board=bool(values["gripper_board"]),
            table_rgb=tuple(values["table_rgb"]),
            cameras=tuple(CameraSpec.from_dict(c) for c in values["cameras"]),
            bowl=BowlSpec(**bowl) if bowl else None,
            box=BoxSpec(**box) if box else None,
            drawer=DrawerSpec(**drawer) if drawer else None,
            light=LightSpec(**_tuples(values["light"])),
        )


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
