"""Parts of a session that a rehearsal needs, over the robot loop in virtual time: no process, clock or camera."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foundation.trajectory import Scene, View
from robot.limiter import LimiterSettings
from robot.service.status import MotionSample, RobotStatus, status_of
from simulation.bench.randomise import scene_for
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.settings import ProgramSettings

STEPS_AT_ONCE = 5  # of the robot loop between two looks


class VirtualRobot:
    """The robot loop with the client's interface; `VirtualSession.run` lets its time go on."""

    def __init__(self, arm: VirtualLabArm):
        self._arm, self.limits, self.lost = arm, LimiterSettings(), ""
        self._samples: list[MotionSample] = []
        for name in ("stage", "execute", "revoke", "allow", "hold", "stop"):
            setattr(self, name, getattr(arm.loop, name))

    @property
    def status(self) -> RobotStatus:
        return status_of(self._arm.loop, self._arm.clock.now())

    @property
    def settled_status(self) -> RobotStatus:
        return self.status

    def note(self) -> None:
        """Append one more measurement."""
        nan, moment = np.full(7, np.nan), self._arm.loop.moment
        codes = (1, 1, 0, 0)
        now = np.nan if moment is None else moment
        self._samples.append(MotionSample(self._arm.clock.now(), self._arm.joints, nan, nan, nan, 1.0, 1.0, now, codes))

    def take_samples(self) -> list[MotionSample]:
        taken, self._samples = self._samples, []
        return taken


@dataclass
class VirtualSession:
    """Session whose cameras see a grey bench; `moved` puts a large object before the first of them."""

    library_folder: Path
    moved: bool = False

    def __post_init__(self):
        self.settings = ProgramSettings(operator="Ada")
        self.bench = scene_for("reach the red cube", 200_003, size=(160, 120))
        self.arm = VirtualLabArm(self.bench)
        self.arm.make_ready()
        self.robot, self.lab = VirtualRobot(self.arm), None
        self.captures, self.names = {}, {}

    def take_scene(self) -> Scene:
        views = []
        for number, spec in enumerate(self.bench.cameras):
            rgb = np.full((spec.camera.height, spec.camera.width, 3), 120, np.uint8)
            if self.moved and number == 0:
                rgb[20:80, 30:90] = 250
            views.append(View(spec.camera, rgb, 0.0))
        truth = self.arm.lab.world.truth()
        return Scene(tuple(views), truth.base_from_tool, 1.0)

    def run(self, seconds: float) -> None:
        """Let the arm's time go on."""
        for number in range(round(seconds / 0.01)):
            self.arm.step()
            if number % STEPS_AT_ONCE == 0:
                self.robot.note()
