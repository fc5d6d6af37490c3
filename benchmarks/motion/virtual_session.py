"""A session in virtual time: the real client, messages and robot loop, the simulated controller, no process, no clock.

Whoever uses it lets time go on with `live`; everything else may come from any thread.
"""

import contextlib
import threading
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from foundation.clocks import VirtualClock
from foundation.deadlines import PRODUCTION
from foundation.trajectory import Scene, View
from robot.control.loop import RobotLoop
from robot.errors import RobotError
from robot.limiter import PERIOD, LimiterSettings
from robot.service import commands
from robot.service.client import RobotClient
from robot.service.status import KEPT_SAMPLES, MotionSample, RobotStatus, status_of
from simulation.bench.judging import Verdict, judge
from simulation.bench.randomise import scene_for
from simulation.bench.tasks import task_from_instruction
from simulation.bench.world import Truth
from workflows.cancellation import Cancellation, Report, silently
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.session import Session
from workflows.settings import ProgramSettings

_GOING = ("execute", "resume")  # commands that set the arm going


class VirtualClient(RobotClient):
    """The robot client over a loop in this process; what sets the arm going is noted in `going`."""

    def __init__(self, arm: VirtualLabArm):  # no process: nothing of the real constructor is wanted
        self.arm, self.lock = arm, threading.RLock()
        self.limits, self.model, self.firmware = LimiterSettings(), "xArm7", (2, 5, 0)
        self.going: list[str] = []
        self._gripper, self._kinematics_error_mm = True, 0.0
        self._samples: deque[MotionSample] = deque(maxlen=KEPT_SAMPLES)
        self._taps = ()
        self._button: Any = _StopButton(self.loop, self.lock)
        self._held, self._done, self._deadlines = (0, 0.0), 0, PRODUCTION

    @property
    def loop(self) -> RobotLoop:
        return self.arm.loop

    @property
    def lost(self) -> str:
        return ""

    @property
    def status(self) -> RobotStatus:
        with self.lock:
            return status_of(self.loop, self.arm.clock.now())

    _status = status  # type: ignore[assignment]

    def run(self, seconds: float) -> None:
        """Let the arm's time go on."""
        with self.lock:
            for _ in range(round(seconds / PERIOD)):
                self.arm.step()
                for listener in (self._samples.append, *(tap.offer for tap in self._taps)):
                    listener(self._sample())

    def close(self) -> None:
        """Close nothing: there is no process."""

    def _sample(self) -> MotionSample:
        facts, nan = self.loop.facts, np.full(7, np.nan)
        commanded, moment = self.loop.commanded, self.loop.moment
        return MotionSample(
            self.arm.clock.now(),
            self.arm.joints,
            nan if facts.joints is None else facts.joints.velocity,
            nan,
            nan if commanded is None else commanded,
            1.0 if facts.openness is None else facts.openness,
            1.0 if facts.commanded_openness is None else facts.commanded_openness,
            np.nan if moment is None else moment,
            (1, 1, 0, 0),
        )

    def _press(self, what: str) -> dict[str, Any]:
        return {"do": what}

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(RobotError):  # the robot process answers no message without an identity either
            self._do(message)

    def _command(self, what: str, **values: Any) -> Any:
        return self._do({"do": what, **values})

    def _do(self, message: dict[str, Any]) -> Any:
        with self.lock:
            match what := commands.name(message):
                case "heartbeat":
                    return self.loop.heartbeat()
                case "hold":
                    number, _, _ = commands.hand(message)
                    if number != self._button.held:
                        self._button.held = number
                        self.going.append("hold")
                    return self.loop.hold(number)
            answer = commands.press(message).act(self.loop)
            if what in _GOING:
                self.going.append(what)
            return answer


class _StopButton:
    """Stop, which takes effect at once."""

    def __init__(self, loop: RobotLoop, lock: threading.RLock):
        self._loop, self._lock = loop, lock
        self.pressed = self.held = 0

    def press(self) -> int:
        with self._lock:
            self._loop.stop()
            self.pressed += 1
            return self.pressed

    def taken(self, press: int, timeout: float) -> float:
        return 0.0


class VirtualLab:
    """The lab of a virtual session, with what the window asks of the lab process."""

    def __init__(self, arm: VirtualLabArm, lock: threading.RLock):
        self._arm, self._lock, self.scene, self.frames = arm, lock, arm.lab.scene, ""
        self._start = arm.lab.world.truth()

    def truth(self) -> Truth:
        with self._lock:
            return self._arm.lab.world.truth()

    def begin(self) -> None:
        self._start = self.truth()

    def judge(self, instruction: str) -> Verdict:
        return judge(task_from_instruction(instruction, self.scene), self._start, self.truth())

    def controller_fault(self, **faults: Any) -> None:
        with self._lock:
            self._arm.lab.controller.faults.apply(faults)

    def pull_tool(self, force: np.ndarray) -> None:
        with self._lock:
            self._arm.lab.world.pull_tool(np.array(force, float))

    def close(self) -> None:
        """Close nothing: there is no process."""


class VirtualSession(Session):
    """A session whose cameras see a grey bench; `clock` is the window's, and `live` lets its and the arm's time go on.

    `moved` puts something large before the first camera. Without a simulated arm in the settings there is no lab.
    """

    def __init__(self, settings: ProgramSettings, library: Path | None = None):
        super().__init__(settings, library)
        self.clock, self.moved = VirtualClock(100.0), False

    def open(self, report: Report = silently, token: Cancellation | None = None) -> None:
        self.bench = scene_for("reach the red cube", 200_003, size=(160, 120))
        self.arm = VirtualLabArm(self.bench)
        self.arm.run(0.1)
        self.robot = VirtualClient(self.arm)
        self.lab: Any = VirtualLab(self.arm, self.robot.lock) if self.simulated else None

    @property
    def client(self) -> VirtualClient:
        assert isinstance(self.robot, VirtualClient), "the session is not open"
        return self.robot

    def opened(self) -> "VirtualSession":
        """Open it, make the arm ready, and return it."""
        self.open()
        self.arm.make_ready()
        return self

    def close(self) -> None:
        self.robot, self.lab = None, None

    def live(self, seconds: float) -> None:
        """Let time go on."""
        self.clock.advance(seconds)
        if isinstance(self.robot, VirtualClient):
            self.robot.run(seconds)

    def take_scene(self, timeout: float = 1.0) -> Scene:
        views = []
        for number, spec in enumerate(self.bench.cameras):
            rgb = np.full((spec.camera.height, spec.camera.width, 3), 120, np.uint8)
            if self.moved and number == 0:
                rgb[20:80, 30:90] = 250
            views.append(View(spec.camera, rgb, 0.0))
        return Scene(tuple(views), self.arm.lab.world.truth().base_from_tool, 1.0)
