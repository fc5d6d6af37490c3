"""What is connected now: the embedded lab or the real arm, its robot process, and the cameras."""

import contextlib
import time
from dataclasses import dataclass

import numpy as np

from cameras.capture import Capture
from cameras.driver import CameraDriver
from cameras.errors import StaleFrame
from cameras.frame import Frame
from cameras.listing import driver_for
from cameras.simulated import SimulatedCamera
from cameras.undistort import ideal_camera, undistort
from foundation import xarm7
from foundation.camera import Camera
from foundation.errors import KnownError
from foundation.trajectory import Scene, View
from robot.client import RobotClient
from robot.endpoint import CONTROL_PORT
from robot.state import ArmState
from simulation.bench.randomise import scene_for
from simulation.client import LabProcess
from workflows.cancellation import Cancellation, Report, silently
from workflows.settings import SIMULATED, ProgramSettings

FRESH = 0.1  # s: no older picture counts as the present
_FIRST_FRAME = 10.0  # s a camera may take for its first picture


class NotConnectedError(KnownError):
    """Something that is needed is not connected."""


@dataclass(frozen=True)
class Check:
    """One line of the set-up's list: whether it is as it must be, and what to do when it is not."""

    name: str
    ok: bool
    sentence: str


class Session:
    """Everything with a cable, or the lab in its place. `open` and `close` wait; the rest never does but `take_scene`.

    A part that fails leaves the others working: `problems` holds a sentence for each, by name ("arm", "lab", or the
    camera's identity). Use from one thread at a time, but for `heartbeat`.
    """

    def __init__(self, settings: ProgramSettings):
        self.settings = settings
        self.lab: LabProcess | None = None
        self.robot: RobotClient | None = None
        self.captures: dict[str, Capture] = {}
        self.names: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    @property
    def simulated(self) -> bool:
        return self.settings.arm.kind == SIMULATED

    def open(self, report: Report = silently, token: Cancellation | None = None) -> None:
        """Start and connect everything. Only a cancellation is raised; see `problems` for the rest."""
        token = token or Cancellation()
        self.problems = {}
        try:
            if self.simulated:
                report("Starting the embedded lab", 0.1)
                self._attempt("lab", self._start_lab)
            token.raise_if_cancelled()
            report("Connecting the cameras", 0.4)
            for identity, name, driver in self._drivers():
                self.names[identity] = name  # first: who sees the capture asks for its name
                self.captures[identity] = Capture(driver)
            report("Connecting the arm", 0.6)
            self._attempt("arm", self._connect_arm)
            report("Waiting for pictures", 0.9)
            self._wait_for_pictures(token)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of everything; the arm is stopped first. May be called twice."""
        with contextlib.ExitStack() as stack:
            if self.lab is not None:
                stack.callback(self.lab.close)
            for capture in self.captures.values():
                stack.callback(capture.close)
            if self.robot is not None:
                stack.callback(self.robot.close)
            self.lab, self.robot = None, None
            self.captures, self.names = {}, {}

    def heartbeat(self) -> None:
        """Say that the window is alive; call every 50 ms from the thread whose liveness matters."""
        robot = self.robot  # another thread may be closing it
        if robot is not None and not robot.lost:
            with contextlib.suppress(KnownError):  # `checks` and the status tell
                robot.heartbeat()

    @property
    def cameras(self) -> dict[str, Camera]:
        """By identity, the cameras whose place is known. The lab's are known from the lab ("simulated truth")."""
        known = {}
        for identity, capture in self.captures.items():
            place = self._base_from_camera(capture.driver)
            if capture.driver.intrinsics is not None and place is not None:
                known[identity] = ideal_camera(self.names[identity], capture.driver.intrinsics, place)
        return known

    def take_scene(self, timeout: float = 1.0) -> Scene:
        """One picture of this moment from every calibrated camera, undistorted, and where the arm is.

        Raises KnownError when a picture is older than 100 ms or does not come, or when arm or calibration is missing.
        """
        if self.robot is None or self.robot.status is None:
            raise NotConnectedError(f"The arm is not connected. {self.problems.get('arm', 'Connect it first.')}")
        cameras = self.cameras
        if not cameras:
            raise NotConnectedError("No camera is calibrated. Calibrate the cameras first.")
        frames = self._fresh_frames(tuple(cameras), timeout)
        views = tuple(self._view(frames[identity], identity, camera) for identity, camera in cameras.items())
        status = self.robot.status
        if status is None or not np.isfinite(status.position).all():
            raise NotConnectedError("The arm does not say where it is. Connect it again.")
        return Scene(views, xarm7.forward(status.position), 1.0 if status.openness is None else status.openness)

    def checks(self) -> list[Check]:
        """What must be well before a rehearsal, each with what to do."""
        cameras = [self._camera_check(identity) for identity in self.captures]
        return [self._arm_check(), *cameras, *self._missing_cameras(), self._place_check()]

    # --- parts ---

    def _attempt(self, name: str, act) -> None:
        try:
            act()
        except KnownError as error:
            self.problems[name] = str(error)

    def _start_lab(self) -> None:
        lab = self.settings.lab
        self.lab = LabProcess(scene_for(lab.instruction, lab.seed, cameras=lab.cameras, size=lab.picture_px))

    def _connect_arm(self) -> None:
        limits, gripper = self.settings.limits, self.settings.arm.gripper
        if not self.simulated:
            # Another port than the usual one exists only on this machine: an arm of `rehearse simulate`.
            address, _, port = self.settings.arm.address.partition(":")
            self.robot = RobotClient(
                address, int(port) if port.isdigit() else CONTROL_PORT, limits=limits, gripper=gripper
            )
        elif self.lab is not None:
            self.robot = RobotClient(self.lab.address, self.lab.port, limits=limits, gripper=gripper)
        else:
            raise NotConnectedError(self.problems.get("lab", "The embedded lab does not run."))

    def _drivers(self) -> list[tuple[str, str, CameraDriver]]:
        if self.simulated:
            specs = [] if self.lab is None else self.lab.scene.cameras
            frames = "" if self.lab is None else self.lab.frames
            return [(f"lab:{spec.name}", spec.name, SimulatedCamera(frames, spec.name)) for spec in specs]
        found = []
        for choice in self.settings.cameras:
            try:
                found.append((choice.identity, choice.name, driver_for(choice.identity)))
            except KnownError as error:
                self.problems[choice.identity] = str(error)
        return found

    def _wait_for_pictures(self, token: Cancellation) -> None:
        deadline = time.monotonic() + _FIRST_FRAME
        while any(capture.newest is None for capture in self.captures.values()) and time.monotonic() < deadline:
            token.wait(0.02)

    @staticmethod
    def _base_from_camera(driver: CameraDriver) -> np.ndarray | None:
        """Where the camera stands; for a real one this comes from a calibration."""
        if isinstance(driver, SimulatedCamera) and "base_from_camera" in driver.details:
            return np.array(driver.details["base_from_camera"])
        return None

    def _fresh_frames(self, identities: tuple[str, ...], timeout: float) -> dict[str, Frame]:
        """A frame of each camera that came after this call, all of them fresh at one moment."""
        deadline = time.monotonic() + timeout
        for identity in identities:
            self.captures[identity].next_frame(timeout)
        while True:
            try:
                return {identity: self.captures[identity].latest(FRESH) for identity in identities}
            except StaleFrame:  # on a busy machine one camera's frame can grow too old while another's is waited for
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.005)

    def _view(self, frame: Frame, identity: str, camera: Camera) -> View:
        intrinsics = self.captures[identity].driver.intrinsics
        assert intrinsics is not None
        return View(camera, undistort(frame, intrinsics).rgb, frame.captured)

    def _arm_check(self) -> Check:
        if self.robot is None or self.robot.lost:
            sentence = self.robot.lost if self.robot is not None else self.problems.get("arm", "not connected")
            return Check("Arm", False, sentence)
        status = self.robot.status
        if status is None or status.state is ArmState.DISCONNECTED:
            return Check("Arm", False, status.fault if status is not None and status.fault else "not connected")
        if status.error:
            return Check("Arm", False, status.fault or f"error C{status.error}: follow the steps on the Arm screen")
        return Check("Arm", True, f"{self.robot.model}, {status.state}")

    def _camera_check(self, identity: str) -> Check:
        figures = self.captures[identity].figures
        name = f"Camera {self.names[identity]}"
        if figures.state == "live":
            return Check(name, True, f"{figures.fps:.0f} pictures a second")
        return Check(name, False, figures.last_error or str(figures.state))

    def _missing_cameras(self) -> list[Check]:
        """Those in use that could not even be asked for."""
        chosen = () if self.simulated else self.settings.cameras
        problems = [(choice.name, self.problems.get(choice.identity, "")) for choice in chosen]
        return [Check(f"Camera {name}", False, problem) for name, problem in problems if problem]

    def _place_check(self) -> Check:
        missing = [self.names[identity] for identity in self.captures if identity not in self.cameras]
        if len(self.cameras) >= 2:
            what = "simulated truth" if self.simulated else "calibrated"
            return Check("Calibration", True, f"{len(self.cameras)} cameras, {what}")
        if len(self.captures) < 2:
            return Check("Calibration", False, "two cameras or more are needed: choose them, then save and connect")
        return Check("Calibration", False, f"two calibrated cameras are needed; not calibrated: {', '.join(missing)}")
