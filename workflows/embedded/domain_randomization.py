"""Domain randomisation of the lab: table, light, background, colour shades, clutter, and the arm's own colours.

Some tables, lights and backgrounds are held out from training, so are some arms and some pairs of colour and shape;
the evaluation requests them by name.
"""

import colorsys
from dataclasses import replace

import numpy as np

from simulation.bench.scene import COLOURS, SHAPES, LightSpec, SceneSpec
from simulation.pictures.looks import CLUTTER, FORMS, Clutter, Look, Rgb

UNSEEN_PAIRS = (("yellow", "cylinder"), ("purple", "cube"), ("green", "ball"), ("pink", "cylinder"), ("orange", "ball"))
SEEN_PAIRS = tuple((c, s) for c in COLOURS for s in SHAPES if (c, s) not in UNSEEN_PAIRS)
# Further colours and shapes on some of the training benches, so that colour and shape are learnt independently.
OTHER_COLOURS: dict[str, Rgb] = {
    "white": (0.92, 0.92, 0.90),
    "black": (0.07, 0.07, 0.08),
    "grey": (0.48, 0.48, 0.50),
    "brown": (0.36, 0.20, 0.10),
    "lime": (0.65, 0.88, 0.15),
    "beige": (0.85, 0.76, 0.58),
    "mint": (0.58, 0.90, 0.76),
}
_OTHER_SHARE = 0.45  # share of the objects there with another colour, and likewise with another shape
_USUAL_SHARE = 0.3  # share of training looks with the lab's own table, light and background
_ARM_PARTS = ("shell", "cap", "metal", "gripper", "rubber")
_USUAL_ARM: dict[str, Rgb] = {
    "shell": (0.93, 0.93, 0.92),
    "cap": (0.23, 0.24, 0.26),
    "metal": (0.66, 0.67, 0.69),
    "gripper": (0.16, 0.165, 0.175),
    "rubber": (0.07, 0.07, 0.075),
}
_OTHER_SHELLS: tuple[Rgb, ...] = ((0.12, 0.22, 0.45), (0.92, 0.45, 0.10), (0.92, 0.78, 0.20), (0.15, 0.15, 0.16))
_OTHER_GRIPPERS: tuple[Rgb, ...] = ((0.75, 0.76, 0.78), (0.60, 0.12, 0.10), (0.30, 0.45, 0.30))


def random_environment(generator: np.random.Generator, scene: SceneSpec, *, unseen: bool = False) -> SceneSpec:
    """Return the scene with a random table and light."""
    if unseen:
        light = _light(generator, brightness=(0.36, 0.48), ambient=(0.34, 0.42), aside=(0.9, 1.3))
        hue, saturation, value = (
            generator.uniform(0.25, 0.72),
            generator.uniform(0.45, 0.75),
            generator.uniform(0.2, 0.5),
        )
        return replace(scene, table_rgb=colorsys.hsv_to_rgb(hue, saturation, value), light=light)
    if generator.random() < _USUAL_SHARE:
        return scene
    light = _light(generator, brightness=(0.38, 0.70), ambient=(0.33, 0.52), aside=(0.1, 0.85))
    hue, saturation, value = generator.random(), 0.3 * generator.random() ** 2, generator.uniform(0.35, 0.95)
    return replace(scene, table_rgb=colorsys.hsv_to_rgb(hue, saturation, value), light=light)


def random_appearance(
    generator: np.random.Generator, scene: SceneSpec, *, unseen_environment: bool = False, unseen_arm: bool = False
) -> Look:
    """Sample all aspects of the appearance that the scene leaves open."""
    shades = {thing.name: _shade(generator, COLOURS[thing.colour]) for thing in scene.objects}
    sky, floor = _background(generator, unseen_environment)
    materials, girth, gripper = _arm(generator, unseen_arm)
    clutter = tuple(_clutter(generator) for _ in range(int(generator.integers(0, CLUTTER + 1))))
    return Look(shades, floor, sky, materials, girth, gripper, clutter, tags=bool(generator.random() < 0.8))


def jittered_appearance(generator: np.random.Generator, scene: SceneSpec, look: Look) -> Look:
    """Return the look with objects of other colours and shapes, each with a name of its own.

    Colours of the lab's objects appear with new shapes, and their shapes with new colours, but never in a pair that the
    lab's objects do not have.
    """
    shades, forms = dict(look.shades), {}
    names = {thing.name: thing.name for thing in scene.objects}
    for thing in scene.objects:
        form = str(generator.choice(FORMS)) if generator.random() < _OTHER_SHARE else thing.shape
        others = {**COLOURS, **OTHER_COLOURS} if form in FORMS else OTHER_COLOURS
        colour = str(generator.choice(list(others))) if generator.random() < _OTHER_SHARE else thing.colour
        name = f"{colour} {form}"
        if name in names.values():
            continue
        names[thing.name] = name
        if form in FORMS:
            forms[thing.name] = form
        if colour != thing.colour:
            shades[thing.name] = _shade(generator, others[colour])
    return replace(look, shades=shades, forms=forms, names=names)


def _shade(generator: np.random.Generator, rgb: Rgb) -> Rgb:
    """Jitter a colour's brightness, and slightly its hue."""
    usual = np.array(rgb) * generator.uniform(0.85, 1.12) + generator.normal(0.0, 0.02, 3)
    return _rgb(usual)


def _background(generator: np.random.Generator, unseen: bool) -> tuple[tuple[Rgb, Rgb], Rgb]:
    if unseen:
        hue = generator.random()
        above, below = (colorsys.hsv_to_rgb(hue, 0.6, generator.uniform(0.10, 0.30)) for _ in range(2))
        return (above, below), colorsys.hsv_to_rgb(generator.random(), 0.5, generator.uniform(0.10, 0.25))
    if generator.random() < _USUAL_SHARE:
        return Look().sky, Look().floor
    above, below = (
        colorsys.hsv_to_rgb(generator.random(), 0.3 * generator.random() ** 2, generator.uniform(0.4, 0.95))
        for _ in range(2)
    )
    return (above, below), colorsys.hsv_to_rgb(
        generator.random(), 0.3 * generator.random(), generator.uniform(0.3, 0.8)
    )


def _arm(generator: np.random.Generator, unseen: bool) -> tuple[dict[str, Rgb], float, float]:
    """Sample the colours by material, and the thickness of links and gripper."""
    materials = dict(_USUAL_ARM)
    if unseen:
        materials["shell"] = _OTHER_SHELLS[generator.integers(len(_OTHER_SHELLS))]
        materials["gripper"] = materials["cap"] = _OTHER_GRIPPERS[generator.integers(len(_OTHER_GRIPPERS))]
        return materials, float(generator.uniform(1.15, 1.3)), float(generator.uniform(1.3, 1.6))
    for part in _ARM_PARTS:
        materials[part] = _rgb(np.array(materials[part]) * generator.uniform(0.8, 1.1) + generator.normal(0, 0.015, 3))
    if generator.random() < 0.3:  # a grey one, dark to light: white must not become the only cue for "arm"
        materials["shell"] = _rgb(np.full(3, generator.uniform(0.35, 0.95)))
    return materials, float(generator.uniform(0.94, 1.06)), float(generator.uniform(0.92, 1.10))


def _clutter(generator: np.random.Generator) -> Clutter:
    """Sample an object at the table's edges or on the floor, outside the arm's workspace."""
    half = generator.uniform(0.02, 0.08, 3)
    side = float(generator.choice([-1.0, 1.0]))
    if generator.random() < 0.6:
        place = (generator.uniform(-0.15, 0.75), side * generator.uniform(0.46, 0.60))
    else:
        place = (generator.uniform(-0.20, -0.10), side * generator.uniform(0.15, 0.5))
    rgb = colorsys.hsv_to_rgb(generator.random(), 0.5 * generator.random(), generator.uniform(0.2, 0.8))
    position = (float(place[0]), float(place[1]), float(half[2]))
    return Clutter(bool(generator.random() < 0.5), position, (float(half[0]), float(half[1]), float(half[2])), rgb)


def _light(
    generator: np.random.Generator,
    *,
    brightness: tuple[float, float],
    ambient: tuple[float, float],
    aside: tuple[float, float],
) -> LightSpec:
    around, distance = generator.uniform(0, 2 * np.pi), generator.uniform(*aside)
    place = (0.3 + distance * np.cos(around), distance * np.sin(around), generator.uniform(1.2, 1.9))
    x, y, z = (float(v) for v in place)
    return LightSpec((x, y, z), float(generator.uniform(*brightness)), float(generator.uniform(*ambient)))


def _rgb(values: np.ndarray) -> Rgb:
    r, g, b = (float(v) for v in np.clip(values, 0.0, 1.0))
    return r, g, b
