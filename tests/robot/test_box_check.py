"""Settings of the control box: read, shown, refused, corrected by one press; in virtual time."""

from dataclasses import replace

import numpy as np
import pytest
from virtual_arm import VirtualArm, swing

from foundation.arm import ControllerSettings
from robot.box_check import EXPECTED, Compared, compare, refusal
from robot.box_check import differences as differing
from robot.errors import RobotError
from robot.planning.plan import Plan
from robot.state import ArmState
from simulation.controller.link import VirtualLink
from simulation.controller.protocol import Register


def differences(found: ControllerSettings, **more) -> tuple[Compared, ...]:
    return differing(compare(found, **more))


REFUSED = {
    "tcp_offset": [(0.0,) * 6, (0.0, 0.0, 0.170, 0.0, 0.0, 0.0), (0.0, 0.0, 0.172, 0.0, 0.1, 0.0), (np.nan,) * 6],
    "world_offset": [(0.1, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 0.5)],
    "gravity": [(0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (0.1, 0.0, -0.995), (0.0, 0.0, 0.0)],
}
WARNED = {
    "payload": [(0.0,) * 4, (2.0, 0.0, 0.0, 0.048), (0.82, 0.1, 0.0, 0.048)],
    "collision_sensitivity": [0, 1, 2],
    "reduced": [True],
    "fence": [True],
}


def test_a_box_set_as_it_should_be_differs_in_nothing():
    assert differences(EXPECTED) == ()
    near = replace(EXPECTED, tcp_offset=(0.0004, 0.0, 0.1722, 0.0, 0.0, 0.0), collision_sensitivity=5)
    assert differences(near) == ()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_what_changes_the_meaning_of_a_command_refuses_motion(name, value):
    (found,) = differences(replace(EXPECTED, **{name: value}))
    assert found.name == name and found.refuses and found.write == getattr(EXPECTED, name)
    assert found.expected in refusal((found,)) and found.found in refusal((found,))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WARNED.items() for value in values])
def test_the_rest_is_warned_of(name, value):
    (found,) = differences(replace(EXPECTED, **{name: value}))
    assert found.name == name and not found.refuses and refusal((found,)) == ""


def test_a_mounting_is_set_only_by_whoever_has_looked():
    (found,) = differences(replace(EXPECTED, gravity=(0.0, 0.0, 1.0)))
    assert found.found == "under a ceiling" and found.press == "It stands on a level table"
    (found,) = differences(replace(EXPECTED, gravity=(0.0, 0.0, 0.0)))
    assert found.found == "no direction at all (0.00 / 0.00 / 0.00)"


def test_an_arm_without_a_gripper_carries_nothing():
    assert [each.name for each in differences(EXPECTED, gripper=False)] == ["payload"]
    assert differences(replace(EXPECTED, payload=(0.0,) * 4), gripper=False) == ()


def test_narrowed_joint_ranges_are_named():
    ranges = tuple([(-6.0, 6.0)] + [(-7.0, 7.0)] * 6)
    (found,) = differences(replace(EXPECTED, reduced=True, joint_ranges=ranges))
    assert "J1 -344 to 344°" in found.found and "J2" not in found.found


@pytest.mark.parametrize(("error", "said"), [(None, "not told"), (2.4, "up to 2.4 mm off")])
def test_kinematics_that_differ_are_said(error, said):
    (found,) = differences(EXPECTED, kinematics_error_mm=error)
    assert found.found == said and not found.refuses and not found.write


def new_box() -> VirtualArm:
    """Return an arm with a box as delivered: no tool point, no payload."""
    arm = VirtualArm()
    arm.controller.settings.tcp_offset = [0.0] * 6
    arm.controller.settings.refresh()
    arm.run(0.3)
    arm.loop.enable()
    arm.run(0.3)
    return arm


def test_nothing_moves_while_the_box_means_something_else():
    arm = new_box()
    for press in (arm.loop.arm_for_motion, arm.loop.hand_guide, lambda: arm.loop.jog(np.zeros(6))):
        with pytest.raises(RobotError, match="another tool point"):
            press()
    assert arm.loop.state is ArmState.NOT_READY
    assert not arm.controller.log.count(Register.SET_STATE, 0)


def test_one_press_sets_it_right_and_another_undoes_it():
    arm = new_box()
    enabled = arm.controller.log.count(Register.ENABLE_MOTION)
    before = arm.loop.write_setting("tcp_offset")
    arm.run(0.3)
    assert before == (0.0,) * 6 and differing(arm.loop.facts.compared) == ()
    assert arm.loop.state is ArmState.NOT_READY  # an operator's press makes it ready again
    assert arm.controller.log.count(Register.ENABLE_MOTION) == enabled
    assert not arm.controller.log.count(Register.SET_STATE, 0)
    arm.loop.arm_for_motion()
    arm.run_until(ArmState.HOLDING)
    arm.loop.restore_setting("tcp_offset")
    arm.run(0.3)
    assert arm.loop.facts.box.tcp_offset == before and arm.loop.state is ArmState.NOT_READY
    with pytest.raises(RobotError, match="could be undone"):  # only what was there before can be written
        arm.loop.restore_setting("tcp_offset")
    assert "program" not in arm.loop.facts.fault


def test_what_is_right_or_not_ours_to_set_is_not_written():
    arm = VirtualArm().ready()
    with pytest.raises(RobotError, match="already set"):
        arm.loop.write_setting("tcp_offset")
    arm.controller.settings.fence = True
    arm.run(0.3)
    with pytest.raises(RobotError, match="UFACTORY Studio"):
        arm.loop.write_setting("fence")
    arm.follow(swing(arm.measured))
    arm.controller.settings.load = [0.0] * 4
    arm.run(0.3)
    with pytest.raises(RobotError, match="Stop it before"):
        arm.loop.write_setting("payload")


@pytest.mark.parametrize("name", list(REFUSED))
@pytest.mark.parametrize("state", ["holding", "following", "hand guiding"])
def test_a_setting_that_changes_later_stops_the_arm_and_voids_the_approval(name, state):
    arm = VirtualArm().ready()
    if state == "following":
        arm.follow(swing(arm.measured))
        arm.run(0.5)
    elif state == "hand guiding":
        arm.loop.hand_guide()
        arm.run_until(ArmState.HAND_GUIDING)
    else:
        arm.loop.stage(Plan.of_motion(swing(arm.measured)).to_bytes())
    VirtualLink(arm.controller, client="another program").write_setting(name, REFUSED[name][1])
    arm.run(0.3)
    assert arm.loop.resting and arm.loop.staged == ""
    assert arm.loop.facts.activity == "nothing" and arm.loop.facts.fault
    assert [each.name for each in differing(arm.loop.facts.compared)] == [name]
    with pytest.raises(RobotError, match="The control box has another"):
        arm.loop.arm_for_motion()


def test_a_box_that_tells_nothing_moves_nothing():
    class Silent(VirtualLink):
        def read_settings(self) -> ControllerSettings | None:
            return None

    arm = VirtualArm()
    arm.loop._box = Silent(arm.controller)
    arm.run(0.3)
    arm.loop.enable()
    with pytest.raises(RobotError, match="not told its settings"):
        arm.loop.arm_for_motion()
