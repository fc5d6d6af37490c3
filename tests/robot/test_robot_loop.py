"""The robot loop against the simulated controller in virtual time: promises 9, 10, 13 and every state."""

import numpy as np
import pytest
from virtual_arm import VirtualArm, swing

from benchmarks.motion.limiter_trial import judged
from foundation import xarm7
from foundation.errors import KnownError
from foundation.poses import from_rotation_vector, pose, rotation_vector
from robot.control.follower import Follower
from robot.control.jog_step import JogStep
from robot.control.loop import RobotLoop
from robot.control.motions import Following
from robot.control.recovery import RecoveryStep, recovery
from robot.errors import RobotError
from robot.limiter import PERIOD, Limiter
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.waypoints import Waypoint, joint_path
from robot.state import ArmState
from simulation.controller.protocol import Register

FORWARD = np.array([0.1, 0, 0, 0, 0, 0])


def presses(arm: VirtualArm) -> tuple[int, int, int]:
    """Count how often the arm was enabled, its error cleared, and set ready: only an operator may do these."""
    log = arm.controller.log
    return log.count(Register.ENABLE_MOTION), log.count(Register.CLEAR_ERROR), log.count(Register.SET_STATE, 0)


def sent(arm: VirtualArm) -> np.ndarray:
    """Return the servo targets (n, 7) that reached the controller."""
    return np.array([entry.floats(7) for entry in arm.controller.log.received(Register.SERVO_JOINTS)])


def moving(arm: VirtualArm) -> bool:
    return bool(np.abs(arm.plant.measure().velocity).max() > 1e-4)


def test_from_the_first_look_to_ready_each_step_is_a_press():
    arm = VirtualArm()
    assert arm.loop.state is ArmState.DISCONNECTED
    arm.run(0.5)
    assert arm.loop.state is ArmState.NOT_ENABLED
    assert presses(arm) == (0, 0, 0)  # looking changes nothing
    with pytest.raises(RobotError, match="Enable the motors"):
        arm.loop.arm_for_motion()
    arm.loop.enable()
    assert arm.loop.state is ArmState.NOT_READY
    arm.loop.arm_for_motion()
    assert arm.loop.state is ArmState.PREPARING
    with pytest.raises(RobotError, match="getting ready"):
        arm.follow(swing(arm.measured))
    arm.run_until(ArmState.HOLDING, seconds=1.0)
    assert presses(arm) == (1, 0, 1)
    assert arm.loop.facts.openness == pytest.approx(1.0)


def test_a_motion_is_followed_to_its_end_and_held():
    arm = VirtualArm().ready()
    plan = swing(arm.measured)
    arm.follow(plan)
    assert arm.loop.state is ArmState.FOLLOWING
    arm.run_until(ArmState.HOLDING)
    np.testing.assert_allclose(arm.measured, plan.position[-1], atol=1e-5)
    assert arm.loop.facts.progress == 1.0
    targets = sent(arm)
    assert judged(targets, 0, arm.settings.limits).joint_speed <= arm.settings.limits.joint_speed
    assert np.abs(targets[0] - xarm7.HOME).max() < 1e-4  # the first target is the present pose
    before = len(sent(arm))
    arm.run(2.0)
    assert len(sent(arm)) == before  # holding needs no targets


def test_targets_are_a_hundredth_of_a_second_ahead_of_the_arm():
    """Check promise 9: a target on the wire is never more than 100 ms of motion ahead."""
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    ahead = []
    for _ in range(150):
        arm.tick()
        commanded, velocity = arm.loop.commanded, arm.plant.measure().velocity
        assert commanded is not None
        ahead.append(np.abs(commanded - arm.measured).max() - 0.1 * np.abs(velocity).max())
    assert max(ahead) < 1e-3


def test_pause_and_resume():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured), speed=0.5)
    arm.run(2.0)
    arm.loop.pause()
    assert arm.loop.state is ArmState.PAUSED
    arm.run(2.0)
    assert not moving(arm)
    progress, targets = arm.loop.facts.progress, len(sent(arm))
    assert 0.1 < progress < 0.9
    arm.run(1.0)
    assert arm.loop.facts.progress == progress
    assert len(sent(arm)) == targets  # equal targets spoil the controller's estimates
    arm.loop.resume()
    arm.run_until(ArmState.HOLDING)
    assert arm.loop.facts.progress == 1.0


def test_stop_ends_everything_and_nothing_resumes_by_itself():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.loop.stop()
    before, pressed = len(sent(arm)), presses(arm)
    arm.run(3.0)
    assert arm.loop.state is ArmState.STOPPED
    assert len(sent(arm)) == before
    assert presses(arm) == pressed
    for command in (arm.loop.resume, lambda: arm.follow(swing(arm.measured)), lambda: arm.loop.jog(FORWARD)):
        with pytest.raises(RobotError):
            command()
    with pytest.raises(RobotError, match="stopped"):
        arm.loop.move_gripper(0.5)
    arm.run(1.0)
    assert len(sent(arm)) == before
    arm.loop.arm_for_motion()
    arm.run_until(ArmState.HOLDING)
    arm.follow(swing(arm.measured, -0.1))
    arm.run_until(ArmState.HOLDING)


def test_a_stop_from_another_connection_ends_the_motion_at_the_next_tick():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.loop.note_stop()
    before = len(sent(arm))
    arm.run(0.5)
    assert len(sent(arm)) == before
    assert arm.loop.resting


def test_a_stop_while_getting_ready_is_not_undone():
    """Stop between set_mode and set_ready: no set_ready afterwards, and the stop is repeated."""
    arm = VirtualArm().ready()
    arm.loop.stop()
    link = arm.loop._link
    set_mode = link.set_mode

    def stopped_in_between(mode):
        set_mode(mode)
        arm.loop.note_stop()

    link.set_mode = stopped_in_between
    before = presses(arm)
    with pytest.raises(RobotError, match="Stop was pressed"):
        arm.loop.arm_for_motion()
    assert presses(arm) == before
    assert arm.controller.log.stops()[-1].time >= arm.controller.log.received(Register.SET_MODE)[-1].time
    arm.run(1.0)
    assert arm.loop.state is ArmState.STOPPED


def test_a_press_right_after_a_stop_counts_and_one_before_it_does_not():
    """Give both before the loop's next cycle: the press that knew of the stop works, the other one undoes nothing."""
    arm = VirtualArm().ready()
    arm.loop.note_stop()
    before = presses(arm)
    with pytest.raises(RobotError, match="Stop was pressed"):
        arm.loop.arm_for_motion()
    assert presses(arm) == before
    assert arm.controller.log.stops()
    arm.run(0.5)
    arm.loop.note_stop()
    arm.loop.forget_stop()  # as the process does for a command that was given after the stop
    arm.loop.arm_for_motion()
    arm.run_until(ArmState.HOLDING)


@pytest.mark.parametrize("at", [0.3, 1.0, 1.7])
def test_a_silent_window_stops_the_arm_smoothly(at):
    """Check promise 10: 200 ms after the last heartbeat the stop begins, within limits; then the controller's stop."""
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(at)
    silent = arm.clock.now()
    arm.beating = False
    arm.run(0.19)
    assert arm.loop.state is ArmState.FOLLOWING
    arm.run(0.05)
    assert arm.loop.state in (ArmState.STOPPING, ArmState.STOPPED)
    arm.run(1.0)
    assert arm.loop.state is ArmState.STOPPED
    assert "silent" in arm.loop.facts.fault
    assert silent + 0.18 < arm.controller.log.stops()[-1].time < silent + 0.8
    assert len(arm.controller.log.stops()) == 1
    targets = sent(arm)
    found = judged(targets, 0, arm.settings.limits)
    # The wire carries 32-bit numbers: their rounding, amplified, is not jerk.
    assert found.joint_acceleration <= arm.settings.limits.joint_acceleration + 0.02
    assert np.abs(np.diff(targets, axis=0)).max() <= arm.settings.limits.joint_speed * PERIOD + 1e-6
    arm.beating = True
    pressed = presses(arm)
    arm.run(2.0)
    assert arm.loop.state is ArmState.STOPPED  # a heartbeat alone starts nothing
    assert presses(arm) == pressed


@pytest.mark.parametrize("activity", ["holding", "jogging", "hand guiding", "getting ready", "paused"])
def test_a_silent_window_stops_whatever_is_done(activity):
    arm = VirtualArm().ready()
    if activity == "jogging":
        arm.loop.jog(FORWARD)
        arm.run_until(ArmState.JOGGING)
        for _ in range(30):
            arm.loop.jog(FORWARD)
            arm.tick()
        assert moving(arm)
    elif activity == "hand guiding":
        arm.loop.hand_guide()
        arm.run_until(ArmState.HAND_GUIDING)
    elif activity == "getting ready":
        arm.controller.faults.reported_state = 5  # it never gets there
        arm.loop.arm_for_motion()
    elif activity == "paused":
        arm.follow(swing(arm.measured))
        arm.run(0.5)
        arm.loop.pause()
    arm.beating = False
    arm.run(2.0)
    assert arm.controller.log.stops()
    assert not moving(arm)
    assert arm.loop.resting


def test_a_window_that_stalls_for_a_moment_does_not_stop_an_arm_that_stands():
    arm = VirtualArm().ready()
    arm.beating = False
    arm.run(0.9)
    assert arm.loop.state is ArmState.HOLDING
    arm.beating = True
    arm.run(0.5)
    assert arm.loop.state is ArmState.HOLDING and not arm.controller.log.stops()


def test_a_controller_error_ends_the_motion_and_is_explained():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    pressed = presses(arm)
    arm.controller.faults.raise_error(31)
    arm.run(0.3)
    before = len(sent(arm))
    arm.run(2.0)
    assert arm.loop.state is ArmState.ERROR
    assert "hit something" in arm.loop.facts.fault
    assert len(sent(arm)) == before
    assert presses(arm) == pressed  # promise 13


def test_recovery_goes_step_by_step_by_presses():
    arm = VirtualArm().ready()
    arm.controller.faults.held_error = 1  # the red button is pressed
    arm.run(0.5)
    assert recovery(arm.loop.facts).next is RecoveryStep.REMOVE_CAUSE
    for step in (RecoveryStep.ENABLE, RecoveryStep.MAKE_READY):
        with pytest.raises(RobotError, match="Remove the cause"):
            arm.loop.recover(step)
    with pytest.raises(KnownError):
        arm.loop.recover(RecoveryStep.CLEAR_ERROR)  # the cause persists
    assert arm.loop.state is ArmState.ERROR
    arm.controller.faults.held_error = 0  # released
    arm.run(0.5)
    for step, state in (
        (RecoveryStep.CLEAR_ERROR, ArmState.NOT_ENABLED),
        (RecoveryStep.ENABLE, ArmState.NOT_READY),
        (RecoveryStep.MAKE_READY, ArmState.PREPARING),
    ):
        assert recovery(arm.loop.facts).allows(step)
        arm.loop.recover(step)
        assert arm.loop.state is state
    arm.run_until(ArmState.HOLDING)
    assert recovery(arm.loop.facts).next is None


def test_a_lost_link_ends_the_motion_and_coming_back_needs_presses():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.controller.faults.dead = True
    arm.run(1.0)
    assert arm.loop.state is ArmState.DISCONNECTED
    assert not moving(arm)
    with pytest.raises(RobotError, match="not connected"):
        arm.loop.arm_for_motion()
    before, pressed = len(sent(arm)), presses(arm)
    arm.controller.faults.dead = False
    arm.run(2.0)
    assert arm.loop.state is ArmState.NOT_ENABLED
    assert len(sent(arm)) == before
    assert presses(arm) == pressed


def test_a_controller_that_hangs_is_a_lost_link():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.controller.faults.hang = True
    arm.run(0.1)
    assert arm.loop.state is ArmState.DISCONNECTED
    assert "answer" in arm.loop.facts.fault
    arm.run(1.0)
    assert not moving(arm)


def test_a_controller_that_lies_about_its_joints_is_stopped():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.controller.faults.joint_offset = np.array([0, 0, 0.3, 0, 0, 0, 0])
    arm.run(0.1)
    assert arm.controller.log.stops()
    assert "does not follow" in arm.loop.facts.fault
    arm.run(1.0)
    assert arm.loop.state is ArmState.STOPPED
    assert not moving(arm)


def test_joints_that_are_not_numbers_end_the_motion_with_a_stop():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.controller.faults.joint_offset = np.full(7, np.nan)
    arm.run(0.1)
    assert arm.loop.state is ArmState.DISCONNECTED
    assert arm.controller.log.stops()
    assert not moving(arm)


def test_a_stop_from_the_pendant_is_noticed():
    arm = VirtualArm().ready()
    arm.follow(swing(arm.measured))
    arm.run(1.0)
    arm.stop_from_outside()
    arm.run(0.3)
    assert arm.loop.state is ArmState.STOPPED
    before = len(sent(arm))
    arm.run(1.0)
    assert len(sent(arm)) == before


def test_jogging_needs_renewal_and_always_expires():
    arm = VirtualArm().ready()
    arm.loop.jog(FORWARD)
    arm.run_until(ArmState.JOGGING)
    for _ in range(60):
        arm.loop.jog(FORWARD)
        arm.tick()
    tool = xarm7.forward(arm.measured)[:3, 3] - xarm7.forward(xarm7.HOME)[:3, 3]
    assert tool[0] > 0.02
    np.testing.assert_allclose(tool[1:], 0, atol=1e-3)
    arm.run_until(ArmState.HOLDING, seconds=1.5)  # released
    assert not moving(arm)
    for entry in arm.controller.log.received(Register.CARTESIAN_VELOCITY):
        duration = np.frombuffer(entry.params[25:29], "<f4")[0]
        assert duration == pytest.approx(0.1)
    with pytest.raises(RobotError, match="ready"):
        arm.follow(swing(arm.measured))  # another mode: its own press
    arm.loop.release()
    arm.run_until(ArmState.HOLDING)
    arm.follow(swing(arm.measured, 0.1))
    arm.run_until(ArmState.HOLDING)


def test_jogging_in_the_tools_axes():
    """Jog with the tool pointing down: forward along its z is down in base."""
    arm = VirtualArm().ready()
    along = np.array([0, 0, 0.05, 0, 0, 0])
    for _ in range(100):
        arm.loop.jog(along, tool_frame=True)
        arm.tick()
    tool = xarm7.forward(arm.measured)[:3, 3] - xarm7.forward(xarm7.HOME)[:3, 3]
    assert tool[2] < -0.01
    np.testing.assert_allclose(tool[:2], 0, atol=1e-3)


@pytest.mark.parametrize("renewed_every", [3, 19, 45], ids=["in time", "only just", "too late, so it rests on the way"])
@pytest.mark.parametrize("step", [[0, 0.02, 0, 0, 0, 0], [0, 0, -0.001, 0, 0, 0], [0, 0, 0, 0, 0, np.deg2rad(15.0)]])
def test_a_step_ends_where_it_should_however_late_the_window_is(step, renewed_every):
    arm = VirtualArm().ready()
    begin, step = xarm7.forward(arm.measured), np.array(step)
    target = pose(from_rotation_vector(step[3:]) @ begin[:3, :3], begin[:3, 3] + step[:3])
    for tick in range(700):
        if tick % renewed_every == 0:
            arm.loop.jog_to(JogStep(target, 0.15, 0.6))
        arm.tick()
        end = xarm7.forward(arm.measured)
        assert (end[:3, 3] - begin[:3, 3]) @ step[:3] <= (np.linalg.norm(step[:3]) + 2e-4) * np.linalg.norm(step[:3])
    assert np.linalg.norm(end[:3, 3] - target[:3, 3]) < 2e-4
    assert np.rad2deg(np.linalg.norm(rotation_vector(end[:3, :3] @ target[:3, :3].T))) < 0.15
    arm.run_until(ArmState.HOLDING, seconds=1.5)


def test_a_step_without_its_window_ends_on_the_way():
    arm = VirtualArm().ready()
    begin = xarm7.forward(arm.measured)
    arm.loop.jog_to(JogStep(pose(begin[:3, :3], begin[:3, 3] + [0, 0.1, 0]), 0.05, 0.2))
    arm.run_until(ArmState.JOGGING)
    arm.run_until(ArmState.HOLDING, seconds=1.5)
    assert xarm7.forward(arm.measured)[1, 3] - begin[1, 3] < 0.03


@pytest.mark.parametrize(
    ("target", "speed"),
    [(np.full((4, 4), np.nan), 0.1), (2.0 * np.eye(4), 0.1), (np.eye(3), 0.1), (np.eye(4), 0.0), (np.eye(4), np.nan)],
)
def test_a_step_that_is_none_is_refused(target, speed):
    arm = VirtualArm().ready()
    with pytest.raises(RobotError, match="step"):
        arm.loop.jog_to(JogStep(target, speed, 0.2))
    arm.run(0.3)
    assert arm.loop.state is ArmState.HOLDING


def test_hand_guiding_and_release():
    arm = VirtualArm().ready()
    arm.loop.hand_guide()
    arm.run_until(ArmState.HAND_GUIDING)
    assert arm.controller.log.received(Register.SET_MODE)[-1].first == 2
    with pytest.raises(RobotError, match="hand guiding"):
        arm.follow(swing(arm.measured))
    arm.loop.release()
    arm.run_until(ArmState.HOLDING)
    assert arm.controller.log.received(Register.SET_MODE)[-1].first == 1


def test_a_motion_that_begins_elsewhere_is_refused():
    arm = VirtualArm().ready()
    with pytest.raises(RobotError, match=r"11\.5 deg away"):
        arm.follow(swing(xarm7.HOME + 0.2))
    with pytest.raises(RobotError, match="speed"):
        arm.follow(swing(arm.measured), speed=2.0)
    assert arm.loop.state is ArmState.HOLDING


def test_a_motion_the_limiter_does_not_allow_is_given_up():
    """Check the last barrier: a motion that gets past every check before is still stopped by the limiter."""
    times = np.linspace(0, 4, 101)
    s = (times / 4) ** 4 * (35 - 84 * (times / 4) + 70 * (times / 4) ** 2 - 20 * (times / 4) ** 3)
    below_the_table = xarm7.HOME + s[:, None] * np.array([0, 0.9, 0, 0, 0, 0, 0])
    motion = JointTrajectory(times, below_the_table, np.ones(101))
    arm = VirtualArm().ready()
    with pytest.raises(RobotError, match="below z min"):
        arm.follow(motion)
    limiter = Limiter(xarm7.HOME)
    following = Following(Follower(motion), limiter)
    outcomes = [following.step() for _ in range(1000)]
    end = next(outcome for outcome in outcomes if outcome.then is not None)
    assert "given up" in end.fault
    assert "below z min" in end.fault
    assert arm.settings.limits.workspace.low[2] <= xarm7.forward(limiter.state.position)[2, 3]


def test_the_gripper_closes_on_the_way_and_by_command():
    arm = VirtualArm().ready()
    goal = xarm7.forward(arm.measured)
    assert arm.loop.facts.commanded_openness is None
    arm.follow(joint_path([Waypoint(goal, 0.0)], arm.measured, openness=1.0))
    arm.run_until(ArmState.HOLDING)
    arm.run(0.5)
    assert arm.loop.facts.openness == pytest.approx(0.0, abs=0.02) and arm.loop.facts.commanded_openness == 0.0
    arm.loop.move_gripper(0.5)
    assert arm.loop.facts.commanded_openness == 0.5
    arm.run(2.0)
    assert arm.loop.facts.openness == pytest.approx(0.5, abs=0.02)
    with pytest.raises(RobotError, match="between 0 and 1"):
        arm.loop.move_gripper(1.5)


def test_a_silent_gripper_stops_with_its_own_error():
    arm = VirtualArm().ready()
    arm.controller.faults.gripper_silent = True
    arm.run(1.0)
    assert arm.loop.state is ArmState.ERROR
    assert "gripper or tool does not answer" in arm.loop.facts.fault


def test_a_controller_that_does_not_get_ready_is_said():
    arm = VirtualArm()
    arm.run(0.1)
    arm.loop.enable()
    arm.controller.faults.reported_state = 5
    arm.loop.arm_for_motion()
    arm.run(3.0)
    assert arm.loop.state is ArmState.NOT_READY
    assert "did not get ready" in arm.loop.facts.fault


@pytest.mark.parametrize("seed", range(3))
def test_random_presses_never_undo_a_stop(seed):
    """Check promise 13 as a property: set_state(0), enable and clear_error only ever follow a press of that step."""
    generator = np.random.default_rng(seed)
    arm = VirtualArm().ready()
    loop = arm.loop
    allowed = {"enable": (1, 0, 0), "arm_for_motion": (0, 0, 1), "hand_guide": (0, 0, 1), "clear_error": (0, 1, 0)}
    allowed |= {"release": (0, 0, 1), "jog": (0, 0, 1), "jog_to": (0, 0, 1)}
    for _ in range(150):
        name = str(generator.choice(["stop", "error", "silence", "run", "follow", "pause", "resume", *allowed]))
        before = presses(arm)
        try:
            match name:
                case "error":
                    arm.controller.faults.raise_error(int(generator.choice([22, 24, 31])))
                case "silence":
                    arm.beating = False
                    arm.run(0.5)
                    arm.beating = True
                case "run":
                    arm.run(0.5)
                case "follow":
                    arm.follow(swing(arm.measured, 0.05 * generator.choice([-1, 1])))
                case "jog":
                    loop.jog(FORWARD * generator.choice([-1, 1]))
                case "jog_to":
                    loop.jog_to(JogStep(xarm7.forward(xarm7.HOME), 0.1, 0.4))
                case _:
                    getattr(loop, name)()
        except KnownError:
            pass
        arm.run(float(generator.choice([0.02, 0.3])))
        done = np.subtract(presses(arm), before)
        assert (done <= allowed.get(name, (0, 0, 0))).all(), (name, done)


class NotedGripper:
    """Gripper that takes every command at once, as the gripper's own thread does."""

    def __init__(self):
        self.moves: list[float] = []

    def enable_gripper(self) -> None:
        pass

    def move_gripper(self, pulse: float) -> None:
        self.moves.append(pulse)

    def read_gripper(self) -> float:
        return xarm7.pulse_from_openness(1.0)


def closing(gripper: NotedGripper) -> VirtualArm:
    """Return an arm that stands while its motion is about to close the gripper."""
    arm = VirtualArm()
    arm.loop = RobotLoop(arm.loop._link, arm.clock, arm.settings, gripper)
    arm.ready()
    position = np.repeat(arm.measured[None], 20, axis=0)
    arm.follow(JointTrajectory(0.1 * np.arange(20), position, np.where(np.arange(20) < 8, 1.0, 0.0)))
    return arm


def test_a_stop_in_the_middle_of_a_tick_keeps_the_gripper_still():
    """Stop during a tick that wants to move the gripper, whose own connection would not refuse the command."""
    gripper = NotedGripper()
    arm = closing(gripper)
    ticks = 0
    while not gripper.moves:
        arm.tick()
        ticks += 1
    gripper = NotedGripper()
    arm = closing(gripper)
    for _ in range(ticks - 1):
        arm.tick()
    assert not gripper.moves
    read_joints = arm.loop._link.read_joints

    def read_while_stop_is_pressed():
        arm.loop.note_stop()
        return read_joints()

    arm.loop._link.read_joints = read_while_stop_is_pressed
    arm.tick()
    arm.loop._link.read_joints = read_joints
    arm.run(1.0)
    assert not gripper.moves
    assert arm.loop.state is not ArmState.FOLLOWING
