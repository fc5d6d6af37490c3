"""An arm in virtual time: the simulated controller, an ideal arm, and the robot loop that drives it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from foundation import xarm7
from foundation.clocks import VirtualClock
from robot.control.loop import RobotLoop
from robot.control.loop_settings import LoopSettings
from robot.limiter import PERIOD
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.state import ArmState
from simulation.controller.controller import TICK, Controller
from simulation.controller.link import VirtualLink
from simulation.controller.plant import IdealArm
from simulation.controller.settings import gripper_settings


@dataclass
class VirtualArm:
    """Virtual arm; `run` advances everything together, with the window's heartbeat in each tick while `beating`.

    `link_of` returns the link that the loop uses, to allow wrapping it.
    """

    settings: LoopSettings = field(default_factory=LoopSettings)
    start: np.ndarray = field(default_factory=lambda: xarm7.HOME.copy())
    beating: bool = True
    link_of: Callable[[Controller], VirtualLink] = VirtualLink

    def __post_init__(self):
        self.clock = VirtualClock()
        self.plant = IdealArm(self.start)
        self.controller = Controller(self.plant, settings=gripper_settings())
        self.link = self.link_of(self.controller)
        self.loop = RobotLoop(self.link, self.clock, self.settings)
        self._ahead = 0.0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            self.tick()

    def tick(self) -> None:
        if self.beating:
            self.loop.heartbeat()
        self.loop.tick()
        self.advance()

    def advance(self) -> None:
        """Advance the controller and the arm alone."""
        self.clock.advance(PERIOD)
        self._ahead += PERIOD
        while self._ahead > 0.5 * TICK:
            self.controller.tick()
            self.plant.step(TICK)
            self._ahead -= TICK

    def run_until(self, *states: ArmState, seconds: float = 60.0) -> None:
        for _ in range(round(seconds / PERIOD)):
            self.tick()
            if self.loop.state in states:
                return
        raise AssertionError(f"{self.loop.state} after {seconds} s, not {states}: {self.loop.facts.fault}")

    def ready(self) -> "VirtualArm":
        """Connect, enable and make ready for motion, each by its own press."""
        self.run(0.1)
        self.loop.enable()
        self.run(0.1)
        self.loop.arm_for_motion()
        self.run_until(ArmState.HOLDING)
        return self

    def follow(self, motion: JointTrajectory, speed: float = 1.0) -> None:
        """Stage a motion that is known to be good, approve it and start it."""
        self.loop.execute(self.loop.stage(Plan.of_motion(motion).to_bytes()).nonce, speed)

    @property
    def measured(self) -> np.ndarray:
        return self.plant.measure().position

    def stop_from_outside(self) -> None:
        """Stop the arm as another program would."""
        VirtualLink(self.controller, client="another program").stop()
