"""What the control box must be set to, beside what it is set to.

The box's settings change what a command means: velocities of hand control turn about its own tool point and go along
its own world frame, and hand guiding carries the arm by its gravity and payload (xArm user manual). The program's
kinematics take the tool point 172 mm in front of the flange, the arm on a level table, and no world frame.
"""

from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.arm import ControllerSettings

LARGEST_KINEMATICS_ERROR_MM = 1.0
_NEAR = 1e-3  # m, rad, parts of g: the box keeps 32-bit numbers, and its reports round
_LIGHTER, _OFF_CENTRE = 0.25, 0.03  # kg, m: less does not change how the arm is carried
_LEAST_SENSITIVITY = 3  # the maker advises against less

POSTURES = xarm7.HOME + np.random.default_rng(7).uniform(-0.6, 0.6, (20, xarm7.JOINTS))  # to compare kinematics on

# As UFACTORY Studio sets a box for this arm on a table, with this gripper.
EXPECTED = ControllerSettings(
    tcp_offset=(*(float(part) for part in xarm7.FLANGE_FROM_TOOL[:3, 3]), 0.0, 0.0, 0.0),
    world_offset=(0.0,) * 6,
    gravity=(0.0, 0.0, -1.0),
    payload=(xarm7.GRIPPER_MASS, 0.0, 0.0, xarm7.GRIPPER_CENTRE),
    collision_sensitivity=3,
    reduced=False,
    fence=False,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in the control box that is not as the program needs it.

    `name` is the field of ControllerSettings; `refuses` whether nothing may be moved until it is right; `write` what
    one press can set it to, empty where a person has to do it in UFACTORY Studio; `why` a sentence.
    """

    name: str
    label: str
    expected: str
    found: str
    refuses: bool
    why: str
    write: tuple[float, ...] = ()


def differences(
    found: ControllerSettings, *, gripper: bool = True, kinematics_error_mm: float | None = 0.0
) -> tuple[Difference, ...]:
    """Everything that differs from EXPECTED, what refuses motion first; `gripper`: whether one is mounted.

    `kinematics_error_mm`: between the box's forward kinematics and ours, None where it could not be asked for.
    """
    checks = (
        _tool_point(found),
        _world(found),
        _gravity(found),
        _payload(found, gripper),
        _sensitivity(found),
        _reduced(found),
        _fence(found),
        _kinematics(kinematics_error_mm),
    )
    return tuple(sorted((each for each in checks if each is not None), key=lambda each: not each.refuses))


def refusal(found: tuple[Difference, ...]) -> str:
    """Why the arm must not be moved with these differences, '' when it may."""
    refusing = next((each for each in found if each.refuses), None)
    if refusing is None:
        return ""
    return (
        f"The control box has another {refusing.label}: {refusing.found}, not {refusing.expected}. {refusing.why} Set "
        "it right on the Set up screen first."
    )


def _tool_point(found: ControllerSettings) -> Difference | None:
    return _pose(
        "tcp_offset",
        "tool point (TCP offset)",
        found.tcp_offset,
        "Turns by hand control would swing the finger tips about another point.",
    )


def _world(found: ControllerSettings) -> Difference | None:
    return _pose(
        "world_offset",
        "world frame (base offset)",
        found.world_offset,
        "Hand control would go along other axes than those on the screen.",
    )


def _pose(name: str, label: str, values: tuple[float, ...], why: str) -> Difference | None:
    expected = getattr(EXPECTED, name)
    if _close(values, expected):
        return None
    return Difference(name, label, pose_words(expected), pose_words(values), True, why, expected)


def _gravity(found: ControllerSettings) -> Difference | None:
    if _close(found.gravity, EXPECTED.gravity, 0.02):
        return None
    return Difference(
        "gravity",
        "mounting direction",
        "on a level table",
        f"gravity along {', '.join(f'{part:.2f}' for part in found.gravity)}",
        True,
        "In hand guiding the arm would sink or rise by itself.",
        EXPECTED.gravity,
    )


def _payload(found: ControllerSettings, gripper: bool) -> Difference | None:
    expected = EXPECTED.payload if gripper else (0.0,) * 4
    mass, centre = found.payload[0], np.array(found.payload[1:])
    if abs(mass - expected[0]) < _LIGHTER and (mass < _LIGHTER or np.abs(centre - expected[1:]).max() < _OFF_CENTRE):
        return None
    return Difference(
        "payload",
        "payload",
        payload_words(expected),
        payload_words(found.payload),
        False,
        "The arm may drift in hand guiding, and report collisions that are none.",
        expected,
    )


def _sensitivity(found: ControllerSettings) -> Difference | None:
    if found.collision_sensitivity >= _LEAST_SENSITIVITY:
        return None
    return Difference(
        "collision_sensitivity",
        "collision sensitivity",
        f"{_LEAST_SENSITIVITY} or more",
        "off" if found.collision_sensitivity == 0 else str(found.collision_sensitivity),
        False,
        "The arm would press harder before it notices that it has hit something.",
        (float(EXPECTED.collision_sensitivity),),
    )


def _reduced(found: ControllerSettings) -> Difference | None:
    narrower = [
        f"J{i + 1} {np.rad2deg(low):.0f} to {np.rad2deg(high):.0f}°"
        for i, (low, high) in enumerate(found.joint_ranges)
        if low > xarm7.LOWER[i] + _NEAR or high < xarm7.UPPER[i] - _NEAR
    ]
    if not found.reduced:
        return None
    return Difference(
        "reduced",
        "reduced mode",
        "off",
        f"on ({', '.join(narrower)})" if narrower else "on",
        False,
        "The box may stop motions that the program takes for possible. Switch it in UFACTORY Studio.",
    )


def _fence(found: ControllerSettings) -> Difference | None:
    if not found.fence:
        return None
    return Difference(
        "fence",
        "safety boundary",
        "off, or as large as the workspace",
        "on",
        False,
        "The box may stop motions that the program takes for possible (C35). Compare it in UFACTORY Studio.",
    )


def _kinematics(error_mm: float | None) -> Difference | None:
    if error_mm is not None and error_mm <= LARGEST_KINEMATICS_ERROR_MM:
        return None
    return Difference(
        "kinematics",
        "kinematics",
        f"within {LARGEST_KINEMATICS_ERROR_MM:.0f} mm of the drawing",
        "not told" if error_mm is None else f"up to {error_mm:.1f} mm off",
        False,
        "This arm was measured at the factory: places that the program computes are off by as much.",
    )


def _close(values: tuple[float, ...], expected: tuple[float, ...], near: float = _NEAR) -> bool:
    """Whether all are numbers, as many as expected, and near them."""
    difference = np.array(values, float) - expected if len(values) == len(expected) else np.array([np.nan])
    return bool((np.abs(difference) < near).all())  # NaN is near nothing


def pose_words(values: tuple[float, ...]) -> str:
    """An offset in mm, and its turns in degrees where it has any."""
    place = " / ".join(f"{1000 * part:.1f}".removesuffix(".0") for part in values[:3]) + " mm"
    if not np.abs(values[3:]).max(initial=0.0) > _NEAR:
        return place
    return place + ", " + " / ".join(f"{np.rad2deg(part):.1f}" for part in values[3:]) + "°"


def payload_words(values: tuple[float, ...]) -> str:
    """Mass and centre."""
    centre = " / ".join(f"{1000 * part:.0f}" for part in values[1:])
    return f"{values[0]:.2f} kg at {centre} mm" if values[0] else "none"
