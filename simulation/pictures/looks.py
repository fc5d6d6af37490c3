"""How a scene looks beyond what stands on the bench: shades, background, clutter, the arm's colours and girth."""

from dataclasses import dataclass, field
from typing import Any

FORMS = ("egg", "slab", "stick")  # as which a thing can be drawn; as high as it is, and not as wide
CLUTTER = 6  # things without a name that can lie about where the arm does not reach
Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Clutter:
    """A box or a cylinder without a name: `position` (3,) m of its middle, `half` (3,) m its half sizes."""

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
    """How a scene looks, beyond what `SceneSpec` says of it. Colours in 0..1.

    `shades`: the colour of a thing by name where it is not its name's usual one; `forms`: one of FORMS where it is not
    drawn in its name's shape, and `names`: what it is to be called then; `sky`: the background above and below
    the horizon; `materials`: colours of the arm by the name of its material; `arm_girth`, `gripper_girth`: how much
    thicker than the usual ones links and gripper are; `clutter` lies around; `tags`: whether the table's are there.
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
        """What `dataclasses.asdict` made of a look, also by way of JSON."""
        read = {name: {key: tuple(rgb) for key, rgb in values[name].items()} for name in ("shades", "materials")}
        clutter = tuple(Clutter.from_dict(thing) for thing in values["clutter"])
        above, below = (tuple(rgb) for rgb in values["sky"])
        return Look(**{**values, **read, "clutter": clutter, "sky": (above, below), "floor": tuple(values["floor"])})
