"""Test bench for thousands of presses: the Rehearse screen in its window, over the real robot loop in virtual time."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from PySide6.QtWidgets import QApplication

from foundation.clocks import VirtualClock
from foundation.trajectory import Scene, View
from gui.arm.panel import ArmPanel
from gui.arm.presenter import ArmPresenter
from gui.live.presenter import LivePresenter
from gui.live.views import LiveViews
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.screen import RehearseScreen
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.messages import Messages
from gui.shell import Shell
from gui.shell_presenter import ShellPresenter
from gui.stop_key import StopKey
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import Theme
from robot.control.recovery import RecoveryStep
from robot.limiter import LimiterSettings
from robot.service.client import RobotClient
from robot.service.status import MotionSample, RobotStatus, SampleTap, status_of
from simulation.bench.randomise import scene_for
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.session import Session
from workflows.settings import ArmSettings, ProgramSettings

STEP = 0.05  # s of virtual time per step of the window
_MOVES = ("execute", "resume")  # commands that start motion


class LoopRobot:
    """Robot loop with the interface of the robot process; commands that start motion are recorded in `going`."""

    def __init__(self, arm: VirtualLabArm):
        self._arm, self._lock = arm, threading.RLock()
        self.limits, self.lost, self.model = LimiterSettings(), "", "xArm7"
        self.going: list[str] = []
        self._samples: list[MotionSample] = []
        self._held, self._stops = 0, 0

    def run(self, seconds: float) -> None:
        """Advance the arm's time."""
        with self._lock:
            for _ in range(round(seconds / 0.01)):
                self._arm.step()
            nan, moment = np.full(7, np.nan), self._arm.loop.moment
            now = (np.nan if moment is None else moment, (1, 1, 0, 0))
            self._samples.append(MotionSample(self._arm.clock.now(), self._arm.joints, nan, nan, nan, 1.0, 1.0, *now))

    def do(self, what: str, *arguments: Any, **named: Any) -> Any:
        with self._lock:
            answer = getattr(self._arm.loop, what)(*arguments, **named)
            if what in _MOVES:
                self.going.append(what)
            return answer

    def __getattr__(self, name: str) -> Any:
        if name not in ("stage", "execute", "revoke", "allow", "pause", "resume"):
            raise AttributeError(name)
        return lambda *arguments, **named: self.do(name, *arguments, **named)

    def hold(self, press: int) -> None:
        if press != self._held:
            self._held = press
            self.going.append("hold")
        self.do("hold", press)

    def recover(self, step: RecoveryStep) -> None:
        self.do("recover", step)

    def stop(self) -> int:
        self.do("stop")
        self._stops += 1
        return self._stops

    def stop_taken(self, press: int, timeout: float = 1.0) -> float:
        return 0.0

    def heartbeat(self) -> None:
        """Do nothing: in virtual time the arm's own steps send the heartbeat."""

    def close(self) -> None:
        """Do nothing: there is no process."""

    @property
    def status(self) -> RobotStatus:
        with self._lock:
            return status_of(self._arm.loop, self._arm.clock.now())

    @property
    def settled_status(self) -> RobotStatus:
        return self.status

    def take_samples(self) -> list[MotionSample]:
        with self._lock:
            taken, self._samples = self._samples, []
            return taken

    def tap_samples(self) -> SampleTap:
        return SampleTap()

    def untap_samples(self, tap: SampleTap) -> None:
        """Do nothing: there are no further samples."""


class BenchSession(Session):
    """Session whose arm is a `LoopRobot` and whose cameras see a grey bench."""

    def __init__(self, folder: Path):
        super().__init__(ProgramSettings(arm=ArmSettings(kind="real", address="127.0.0.1"), operator="Ada"), folder)
        self.bench = scene_for("reach the red cube", 200_003, size=(160, 120))
        self.arm = VirtualLabArm(self.bench)
        self.arm.make_ready()
        self.loop = LoopRobot(self.arm)
        self.robot = cast(RobotClient, self.loop)

    def take_scene(self, timeout: float = 1.0) -> Scene:
        sizes = [(spec.camera.height, spec.camera.width, 3) for spec in self.bench.cameras]
        views = [
            View(spec.camera, np.full(size, 120, np.uint8), 0.0)
            for spec, size in zip(self.bench.cameras, sizes, strict=True)
        ]
        return Scene(tuple(views), self.arm.lab.world.truth().base_from_tool, 1.0)


class PressBench:
    """The window with the Rehearse screen. `live` advances virtual time for the arm, the window and its buttons."""

    def __init__(self, app: QApplication, folder: Path, size: tuple[int, int]):
        self.clock, self.session, self.jobs = VirtualClock(100.0), BenchSession(folder), Jobs()
        self.connection = Connection(self.session, self.jobs, clock=self.clock)
        self.connection.opened = True
        self.presenter = RehearsePresenter(self.connection, self.jobs)
        self.presenter.hold_chosen.connect(self.choose_hold)
        self.screen = RehearseScreen(self.presenter)
        live, arm = LiveViews(LivePresenter(self.connection)), ArmPanel(ArmPresenter(self.connection, self.jobs))
        self.messages = Messages()
        theme = Theme(app, "light")
        self.window = Shell(ShellPresenter(self.connection, self.messages), live, arm, theme)
        self.window.add_screen("rehearse", self.screen, "rehearse")
        theme.dress(self.window)
        self.keys = StopKey(app, lambda: self.connection.may_move, self.window.take_key)
        self.window.show_screen("rehearse")
        self.window.resize(*size)
        self.window.show()
        self.window.activateWindow()

    def live(self, seconds: float) -> None:
        for _ in range(max(round(seconds / STEP), 1)):
            self.clock.advance(STEP)
            self.session.loop.run(STEP)
            QApplication.processEvents()
            self.connection.pulled.emit()
            for button in self.window.findChildren(DeliberateButton):
                if button.isVisible():
                    button.look()

    def until(self, so, steps: int = 4000) -> bool:
        """Advance time until `so()`; return whether it came true."""
        for _ in range(steps):
            if so():
                return True
            self.live(STEP)
        return False

    def close(self) -> None:
        self.keys.close()
        self.presenter.stop()
        self.until(lambda: not self.presenter.busy)
        self.window.under_way = lambda: ""
        self.window.close()
        self.connection.close()
        self.jobs.close()
        self.presenter.close()

    def choose_hold(self, hold: bool) -> None:
        """Switch hold-to-run, as the settings do."""
        self.session.settings = replace(self.session.settings, hold_to_run=hold)
