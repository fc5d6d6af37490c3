"""Comparison of the control box's settings with those that the program requires.

The settings change the meaning of commands: Cartesian velocities rotate about the box's tool point and act along the
axes of its world frame, and hand guiding compensates with its gravity and payload (xArm user manual). The program's
kinematics assume the tool point 172 mm in front of the flange, the arm on a level table, and no world frame offset.
"""

from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.arm import ControllerSettings

LARGEST_KINEMATICS_ERROR_MM = 1.0
_NEAR = 1e-3  # m, rad, parts of g: the box stores 32-bit numbers, and its reports are rounded
_LIGHTER, _OFF_CENTRE = 0.25, 0.03  # kg, m: smaller differences do not affect gravity compensation
_LEVEL = 0.02  # parts of g: a degree of tilt
_LEAST_SENSITIVITY = 3  # the manufacturer advises against less

POSTURES = xarm7.HOME + np.random.default_rng(7).uniform(-0.6, 0.6, (20, xarm7.JOINTS))  # to compare the kinematics on

# Settings as UFACTORY Studio makes them for this arm on a table, with this gripper.
EXPECTED = ControllerSettings(
    tcp_offset=(*(float(part) for part in xarm7.FLANGE_FROM_TOOL[:3, 3]), 0.0, 0.0, 0.0),
    world_offset=(0.0,) * 6,
    gravity=(0.0, 0.0, -1.0),
    payload=(xarm7.GRIPPER_MASS, 0.0, 0.0, xarm7.GRIPPER_CENTRE),
    collision_sensitivity=3,
    reduced=False,
    fence=False,
)


SET_RIGHT = "Set it right"


@dataclass(frozen=True, slots=True)
class Compared:
    """One setting of the control box compared with what the program requires.

    Attributes:
        name: Field of ControllerSettings.
        refuses: Motion is refused while the setting differs.
        why: Consequence of the difference.
        write: Value that one press can write, empty if it must be set in UFACTORY Studio.
        press: Label of the button.
    """

    name: str
    label: str
    expected: str
    found: str
    differs: bool
    refuses: bool = False
    why: str = ""
    write: tuple[float, ...] = ()
    press: str = SET_RIGHT


def compare(
    found: ControllerSettings, *, gripper: bool = True, kinematics_error_mm: float | None = 0.0
) -> tuple[Compared, ...]:
    """Compare all settings with the expected ones. `gripper`: whether one is mounted.

    `kinematics_error_mm` is the difference between the box's forward kinematics and ours, None if it is unknown.
    """
    return (
        _pose(
            "tcp_offset",
            "Tool point (TCP offset)",
            found.tcp_offset,
            "Turns by hand control would swing the finger tips about another point.",
        ),
        _pose(
            "world_offset",
            "World frame (base offset)",
            found.world_offset,
            "Hand control would go along other axes than those on the screen.",
        ),
        Compared(
            "gravity",
            "Mounting direction",
            gravity_words(EXPECTED.gravity),
            gravity_words(found.gravity),
            not _close(found.gravity, EXPECTED.gravity, _LEVEL),
            True,
            "In hand guiding the arm would sink or rise by itself. Look how it is mounted before you press.",
            EXPECTED.gravity,
            "It stands on a level table",
        ),
        _payload(found, EXPECTED.payload if gripper else (0.0,) * 4),
        Compared(
            "collision_sensitivity",
            "Collision sensitivity",
            f"{_LEAST_SENSITIVITY} or more",
            "off" if found.collision_sensitivity == 0 else str(found.collision_sensitivity),
            found.collision_sensitivity < _LEAST_SENSITIVITY,
            why="The arm would press harder before it notices that it has hit something.",
            write=(float(EXPECTED.collision_sensitivity),),
        ),
        Compared(
            "reduced",
            "Reduced mode",
            "off",
            _reduced_words(found),
            found.reduced,
            why="The box may stop motions that the program takes for possible. Switch it in UFACTORY Studio.",
        ),
        Compared(
            "fence",
            "Safety boundary",
            "off, or as large as the workspace",
            "on" if found.fence else "off",
            found.fence,
            why="The box may stop motions that the program takes for possible (C35). Compare it in UFACTORY Studio.",
        ),
        Compared(
            "kinematics",
            "Kinematics",
            f"within {LARGEST_KINEMATICS_ERROR_MM:.0f} mm of the drawing",
            "not told" if kinematics_error_mm is None else f"up to {kinematics_error_mm:.1f} mm off",
            kinematics_error_mm is None or not kinematics_error_mm <= LARGEST_KINEMATICS_ERROR_MM,
            why="This arm was measured at the factory: places that the program computes are off by as much.",
        ),
    )


def differences(compared: tuple[Compared, ...]) -> tuple[Compared, ...]:
    """Return the settings that differ, those that refuse motion first."""
    return tuple(sorted((each for each in compared if each.differs), key=lambda each: not each.refuses))


def refusal(compared: tuple[Compared, ...]) -> str:
    """Return the reason why the arm must not be moved with these settings, '' if it may."""
    refusing = next((each for each in compared if each.differs and each.refuses), None)
    if refusing is None:
        return ""
    return (
        f"The control box has another {refusing.label[0].lower()}{refusing.label[1:]}: {refusing.found}, not "
        f"{refusing.expected}. {refusing.why} Set it right on the Set up screen first."
    )


def _pose(name: str, label: str, values: tuple[float, ...], why: str) -> Compared:
    expected = getattr(EXPECTED, name)
    differs = not _close(values, expected)
    return Compared(name, label, pose_words(expected), pose_words(values), differs, True, why, expected)


def _payload(found: ControllerSettings, expected: tuple[float, ...]) -> Compared:
    mass, centre = found.payload[0], np.array(found.payload[1:])
    right = abs(mass - expected[0]) < _LIGHTER and (
        mass < _LIGHTER or bool((np.abs(centre - expected[1:]) < _OFF_CENTRE).all())
    )
    return Compared(
        "payload",
        "Payload",
        payload_words(expected),
        payload_words(found.payload),
        not right,
        why="The arm may drift in hand guiding, and report collisions that are none.",
        write=expected,
    )


def _reduced_words(found: ControllerSettings) -> str:
    narrower = [
        f"J{i + 1} {np.rad2deg(low):.0f} to {np.rad2deg(high):.0f}°"
        for i, (low, high) in enumerate(found.joint_ranges)
        if low > xarm7.LOWER[i] + _NEAR or high < xarm7.UPPER[i] - _NEAR
    ]
    if not found.reduced:
        return "off"
    return f"on ({', '.join(narrower)})" if narrower else "on"


def _close(values: tuple[float, ...], expected: tuple[float, ...], near: float = _NEAR) -> bool:
    """Return whether all values are finite, as many as expected, and within `near` of them."""
    difference = np.array(values, float) - expected if len(values) == len(expected) else np.array([np.nan])
    return bool((np.abs(difference) < near).all())  # comparisons with NaN are false


def pose_words(values: tuple[float, ...]) -> str:
    """Format an offset in mm, with its rotations in degrees if it has any."""
    place = " / ".join(f"{1000 * part:.1f}".removesuffix(".0") for part in values[:3]) + " mm"
    if not np.abs(values[3:]).max(initial=0.0) > _NEAR:
        return place
    return place + ", " + " / ".join(f"{np.rad2deg(part):.1f}" for part in values[3:]) + "°"


def payload_words(values: tuple[float, ...]) -> str:
    """Format the payload's mass and centre of mass."""
    centre = " / ".join(f"{1000 * part:.0f}" for part in values[1:])
    return f"{values[0]:.2f} kg at {centre} mm" if values[0] else "none"


def gravity_words(direction: tuple[float, ...]) -> str:
    """Describe the mounting of the arm that corresponds to this direction of gravity."""
    for words, along in (("on a table", (0.0, 0.0, -1.0)), ("under a ceiling", (0.0, 0.0, 1.0))):
        if _close(direction, along, _LEVEL):
            return words
    if not _close((float(np.linalg.norm(direction)),), (1.0,), 0.1):
        return f"no direction at all ({' / '.join(f'{part:.2f}' for part in direction)})"
    return f"on a wall or tilted (gravity along {' / '.join(f'{part:.2f}' for part in direction)})"
