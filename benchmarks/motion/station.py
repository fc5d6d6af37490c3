"""An arm with its control box, the robot process that drives it, and simulated operator actions.

Everything is real except the mechanics: processes, sockets, the maker's SDK. A thread plays the window's part: it sends
the heartbeat and renews the commands of held buttons.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np

from foundation import xarm7
from foundation.errors import KnownError
from robot.control.recovery import RecoveryStep
from robot.controller.driver import Reports, XArm
from robot.controller.endpoint import Endpoint
from robot.errors import RobotError
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.client import HEARTBEAT_PERIOD, RobotClient
from robot.service.status import RobotStatus
from robot.state import ArmState
from simulation.bench.randomise import scene_for
from simulation.client import LabProcess

TASK, SEED = "reach the red cube", 200_003
STATES = ("stopped", "ready", "approved", "running", "running while held", "paused", "jogging", "hand guiding")
_WITHIN = 20.0  # s
_FAR = 0.8  # rad of any joint from home
_ASIDE = 0.22  # m
_LOW_SPEED = 0.5  # of the planned one, so that a motion is still under way when it is looked at


class Station:
    """Context manager; `bring` leads to one of STATES. `studio` is another client of the same control box."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.beating, self._jogging, self._hold = True, False, False
        self._press = 0

    def __enter__(self) -> Self:
        self.lab = self._stack.enter_context(LabProcess(replace(scene_for(TASK, SEED), cameras=())))
        self.robot = self._stack.enter_context(self._connected())
        self.studio = self._stack.enter_context(
            XArm(Endpoint(self.lab.address, self.lab.port), reports=Reports.SETTINGS)
        )
        self._ended = threading.Event()
        window = threading.Thread(target=self._play_the_window, name="window", daemon=True)
        window.start()
        self._stack.callback(window.join)
        self._stack.callback(self._ended.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def status(self) -> RobotStatus:
        status = self.robot.status
        assert status is not None
        return status

    @property
    def tool(self) -> np.ndarray:
        """True position of the tool, (3,) m in base."""
        return self.lab.truth().base_from_tool[:3, 3]

    @property
    def sdk(self) -> Any:
        """The other client's SDK object."""
        return self.studio._api

    def bring(self, state: str) -> None:
        """Bring the arm from any state into one of STATES. Retries where a busy machine stopped the arm on the way."""
        for attempt in range(5):
            try:
                self._bring(state)
                return
            except KnownError:
                if attempt == 4:
                    raise
                if self.robot.lost:
                    self._stack.enter_context(again := self._connected())
                    self.robot = again

    @contextlib.contextmanager
    def frozen(self, process: str) -> Iterator[None]:
        """Freeze the `window`, the `robot` process or the control `box` meanwhile."""
        if process == "window":
            self.beating = False
            try:
                yield
            finally:
                self.beating = True
            return
        pid = self.robot.pid if process == "robot" else self.lab.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def wait_for(self, *states: ArmState, within: float = _WITHIN) -> RobotStatus:
        return self.robot.wait_for(*states, timeout=within)

    def let_go(self) -> None:
        """Release all held buttons."""
        self._jogging = self._hold = False

    def _connected(self) -> RobotClient:
        return RobotClient(self.lab.address, self.lab.port)

    def _bring(self, state: str) -> None:
        self.let_go()
        self._make_ready()
        match state:
            case "stopped":
                self.robot.stop()
                self.wait_for(ArmState.STOPPED)
            case "approved":
                self._staged()
            case "running" | "paused":
                self.robot.execute(self._staged(), _LOW_SPEED)
                self.wait_for(ArmState.FOLLOWING)
                time.sleep(0.7)
                if state == "paused":
                    self.robot.pause()
                    self.wait_for(ArmState.PAUSED)
                    time.sleep(1.2)  # until it rests on its path
            case "running while held":
                self._press += 1
                self._hold = True
                self.robot.execute(self._staged(), _LOW_SPEED, hold=True)
                self.wait_for(ArmState.FOLLOWING)
                time.sleep(0.7)
            case "jogging":
                self._side = 1.0 if self.tool[1] < 0.0 else -1.0
                self._jogging = True
                self.wait_for(ArmState.JOGGING)
                time.sleep(0.5)
            case "hand guiding":
                self.robot.hand_guide()
                self.wait_for(ArmState.HAND_GUIDING)
        time.sleep(0.8)

    def _make_ready(self) -> None:
        for step in (RecoveryStep.CLEAR_ERROR, RecoveryStep.ENABLE):
            status = self.wait_for(*set(ArmState) - {ArmState.DISCONNECTED, ArmState.STOPPING, ArmState.PREPARING})
            if step in status.steps:
                self.robot.recover(step)
        if self.status.state in (ArmState.FOLLOWING, ArmState.PAUSED, ArmState.JOGGING):
            self.robot.stop()
            self.wait_for(ArmState.STOPPED, ArmState.NOT_READY)
        time.sleep(0.3)  # until it stands
        self.robot.arm_for_motion()
        self.wait_for(ArmState.HOLDING)
        if np.abs(self.status.position - xarm7.HOME).max() > _FAR:  # hundreds of motions lead to where none is left
            self.robot.home(1.0)
            self.wait_for(ArmState.FOLLOWING)
            self.wait_for(ArmState.HOLDING, within=30.0)

    def _staged(self) -> str:
        """Stage a motion sideways, to where there is room."""
        q = self.status.position
        goal = xarm7.forward(q)
        goal[1, 3] += _ASIDE if goal[1, 3] < 0.0 else -_ASIDE
        return self.robot.stage(Plan.of_motion(joint_path([Waypoint(goal, 1.0)], q)).to_bytes()).nonce

    def _play_the_window(self) -> None:
        while not self._ended.wait(HEARTBEAT_PERIOD):
            if not self.beating:
                continue
            with contextlib.suppress(RobotError):  # the user of the robot gets that error too
                self.robot.heartbeat()
                if self._jogging:
                    self.robot.jog(np.array([0.0, 0.08 * self._side, 0.0, 0.0, 0.0, 0.0]))
                if self._hold:
                    self.robot.hold(self._press)
