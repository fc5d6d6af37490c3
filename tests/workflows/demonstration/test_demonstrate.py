"""Scripted demonstrators, in virtual and in real time: the same scene, the same plan, the same outcome."""

import pytest
from patience import PATIENT

from robot.errors import RobotError
from robot.planning.plan import Plan
from robot.state import ArmState
from simulation.bench.randomise import scene_for
from simulation.errors import SimulationError
from workflows.demonstration.demonstrate import VirtualLabArm, in_real_time, in_virtual_time, plan


@pytest.mark.parametrize(
    ("instruction", "seed"),
    [
        ("reach the blue ball", 300_001),
        ("pick up the red cube", 300_002),
        ("grab the yellow ball", 300_003),
        ("pick up the green cylinder", 300_004),
        ("put the purple cube in the bowl", 300_005),
        ("put the orange ball into the box", 300_006),
        ("push the red ball left", 300_007),
        ("push the blue cube to the right", 300_008),
        ("push the yellow cylinder away", 300_009),
        ("open the drawer", 300_010),
        ("close the drawer", 300_011),
        ("close the box", 300_012),
    ],
)
def test_the_lab_does_what_it_is_told(instruction, seed):
    outcome = in_virtual_time(instruction, seed)
    assert outcome.success, outcome.reason


def test_the_same_seed_gives_the_same_run():
    first, second = (in_virtual_time("pick up the red cube", 300_010) for _ in range(2))
    assert (first.reason, first.motion_s) == (second.reason, second.motion_s)


def test_real_time_ends_as_virtual_time_does(tmp_path):
    """Run through the lab process, the robot process, the official SDK and the sockets, recorded by the cameras."""
    film = tmp_path / "film.mp4"
    outcome = in_real_time("pick up the red cube", 300_002, video=film, deadlines=PATIENT)
    assert outcome.success, outcome.reason
    assert outcome.motion_s == in_virtual_time("pick up the red cube", 300_002).motion_s
    assert film.stat().st_size > 20_000


def test_a_stop_during_a_demonstration_ends_it_and_nothing_goes_on():
    instruction = "pick up the red cube"
    scene = scene_for(instruction, 300_002)
    arm = VirtualLabArm(scene)
    arm.make_ready()
    motion = plan(instruction, scene, arm.lab.world.truth(), arm.joints)
    nonce = arm.loop.stage(Plan.of_motion(motion).to_bytes()).nonce
    arm.loop.execute(nonce)
    arm.run(1.5)
    arm.loop.stop()
    arm.run(0.5)
    stands = arm.joints.copy()
    arm.run(2.0)
    assert arm.loop.state is ArmState.STOPPED
    assert abs(arm.joints - stands).max() < 1e-4
    with pytest.raises(RobotError):
        arm.loop.execute(nonce)


def test_impossible_wishes_get_a_sentence():
    with pytest.raises(SimulationError, match="understands"):
        in_virtual_time("make coffee", 1)
