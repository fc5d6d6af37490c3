"""Appearance of a scene beyond its objects: shades, background, clutter, the arm's colours and thickness."""

from dataclasses import dataclass, field
from typing import Any

FORMS = ("egg", "slab", "stick")  # in which an object can be drawn; as high as its own shape, and not as wide
CLUTTER = 6  # unnamed objects that can be placed where the arm does not reach
Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Clutter:
    """Unnamed box or cylinder: `position` (3,) m of its centre, `half` (3,) m its half sizes."""

    round: bool
    position: tuple[float, float, float]
    half: tuple[float, float, float]
    rgb: Rgb

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Clutter":
        places = {name: tuple(values[name]) for name in ("position", "half", "rgb")}
        return Clutter(bool(values["round"]), **places)


@dataclass(frozen=True, slots=True)
class Look:
    """Appearance of a scene beyond its `SceneSpec`. Colours in 0..1.

    `shades`: colour of an object by name where it is not its name's usual one; `forms`: one of FORMS where it is not
    drawn in its name's shape, and `names`: what it is called then; `sky`: background above and below the horizon;
    `materials`: colours of the arm by the name of its material; `arm_girth`, `gripper_girth`: how much thicker than
    usual links and gripper are; `clutter`: unnamed objects around; `tags`: whether the table's tags are shown.
    """

    shades: dict[str, Rgb] = field(default_factory=dict)
    floor: Rgb = (0.46, 0.48, 0.50)
    sky: tuple[Rgb, Rgb] = ((0.82, 0.85, 0.88), (0.60, 0.63, 0.67))
    materials: dict[str, Rgb] = field(default_factory=dict)
    arm_girth: float = 1.0
    gripper_girth: float = 1.0
    clutter: tuple[Clutter, ...] = ()
    tags: bool = True
    forms: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Look":
        """Read the result of `dataclasses.asdict`, also after a round trip through JSON."""
        read = {name: {key: tuple(rgb) for key, rgb in values[name].items()} for name in ("shades", "materials")}
        clutter = tuple(Clutter.from_dict(thing) for thing in values["clutter"])
        above, below = (tuple(rgb) for rgb in values["sky"])
        return Look(**{**values, **read, "clutter": clutter, "sky": (above, below), "floor": tuple(values["floor"])})
