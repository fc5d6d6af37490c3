"""Attempts to bypass the approval, each against the robot loop in virtual time: how many set the arm moving."""

import contextlib
from collections.abc import Callable

import numpy as np

from foundation import xarm7
from foundation.errors import KnownError
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.commands import press
from simulation.bench.randomise import scene_for
from workflows.demonstration.demonstrate import VirtualLabArm

TASK = "reach the red cube"
_MOVED = 1e-3  # rad
_LOW, _HIGH = (0.2, -0.3, 0.05), (0.7, 0.3, 0.6)

Attack = Callable[[VirtualLabArm], None]


def bypasses() -> tuple[int, list[str]]:
    """Return how many attacks moved the arm, and their names."""
    through = [name for name, attack in ATTACKS.items() if _moves(attack)]
    return len(through), through


def _moves(attack: Attack) -> bool:
    arm = VirtualLabArm(scene_for(TASK, 200_003))
    arm.make_ready()
    before = arm.joints.copy()
    with contextlib.suppress(KnownError):
        attack(arm)
    arm.run(1.0)
    return bool(np.abs(arm.joints - before).max() > _MOVED)


def _way(arm: VirtualLabArm, y: float = 0.08, z: float = 0.0) -> Plan:
    goal = xarm7.forward(arm.joints)
    goal[:3, 3] += (0.0, y, z)
    return Plan.of_motion(joint_path([Waypoint(goal, 1.0)], arm.joints))


def _allowed(arm: VirtualLabArm, parts: int = 1, speed: float = 0.5) -> str:
    return arm.loop.allow(SegmentsApproval(TASK, parts, _LOW, _HIGH, speed))


def _part(arm: VirtualLabArm, plan: Plan, cover: str, task: str = TASK, speed: float = 0.5) -> None:
    arm.loop.execute(arm.loop.stage(plan.to_bytes(), cover=cover, instruction=task).nonce, speed)


def _guessed(arm: VirtualLabArm) -> None:
    arm.loop.stage(_way(arm).to_bytes())
    arm.loop.execute("0" * 32)


def _old_nonce_after_an_edit(arm: VirtualLabArm) -> None:
    old = arm.loop.stage(_way(arm).to_bytes()).nonce
    arm.loop.stage(_way(arm, 0.09).to_bytes())
    arm.loop.execute(old)


def _revoked(arm: VirtualLabArm) -> None:
    nonce = arm.loop.stage(_way(arm).to_bytes()).nonce
    arm.loop.revoke("An edit was made.")
    arm.loop.execute(nonce)


def _after_stop(arm: VirtualLabArm) -> None:
    nonce = arm.loop.stage(_way(arm).to_bytes()).nonce
    arm.loop.stop()
    arm.make_ready()
    arm.loop.execute(nonce)


def _refused_plan(arm: VirtualLabArm) -> None:
    plan = _way(arm)
    press({"do": "stage", "plan": plan.to_bytes()[:-7]}).act(arm.loop)


def _motion_in_a_message(arm: VirtualLabArm) -> None:
    press({"do": "follow", "plan": _way(arm).to_bytes()}).act(arm.loop)


def _part_without_approval(arm: VirtualLabArm) -> None:
    _part(arm, _way(arm), "0" * 32)


def _part_out_of_the_box(arm: VirtualLabArm) -> None:
    _part(arm, _way(arm, 0.34), _allowed(arm))


def _part_of_another_task(arm: VirtualLabArm) -> None:
    _part(arm, _way(arm), _allowed(arm), task="push the ball")


def _part_too_fast(arm: VirtualLabArm) -> None:
    _part(arm, _way(arm), _allowed(arm), speed=0.9)


def _part_after_another_plan(arm: VirtualLabArm) -> None:
    cover = _allowed(arm)
    arm.loop.stage(_way(arm, 0.05).to_bytes())
    _part(arm, _way(arm), cover)


def _part_after_stop(arm: VirtualLabArm) -> None:
    cover = _allowed(arm)
    arm.loop.stop()
    arm.make_ready()
    _part(arm, _way(arm), cover)


def _held_without_a_hand(arm: VirtualLabArm) -> None:
    arm.loop.execute(arm.loop.stage(_way(arm).to_bytes()).nonce, hold=True)


ATTACKS: dict[str, Attack] = {
    "a guessed nonce": _guessed,
    "the nonce of the motion before a waypoint was moved": _old_nonce_after_an_edit,
    "a nonce that was revoked": _revoked,
    "a nonce from before a stop": _after_stop,
    "a plan that was cut": _refused_plan,
    "a motion in a message": _motion_in_a_message,
    "a part without an approval": _part_without_approval,
    "a part that leaves the approved box": _part_out_of_the_box,
    "a part of another task": _part_of_another_task,
    "a part quicker than approved": _part_too_fast,
    "a part after another plan was staged": _part_after_another_plan,
    "a part after a stop": _part_after_stop,
    "a held motion that nobody holds": _held_without_a_hand,
}
