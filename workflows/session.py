"""Connected devices of a running program: the embedded lab or the real arm, its robot process, and the cameras."""

import contextlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cameras.capture import Capture
from cameras.drivers.driver import CameraDriver
from cameras.drivers.listing import driver_for
from cameras.drivers.simulated import SimulatedCamera
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from cameras.synchronized_capture import synchronized_frames
from cameras.undistort import undistort
from foundation import xarm7
from foundation.camera import Camera
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.errors import KnownError
from foundation.log import SHOWN
from foundation.trajectory import Scene, View
from robot.box_check import differences
from robot.controller.endpoint import CONTROL_PORT
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.randomise import scene_for
from simulation.client import LabProcess
from workflows.calibration.place_check import PlaceCheck, place_check
from workflows.cancellation import Cancellation, Report, silently
from workflows.known_cameras import SIMULATED_TRUTH, KnownCamera, known_cameras
from workflows.settings import SIMULATED, ProgramSettings

if TYPE_CHECKING:  # loaded only when there is a calibration
    from workflows.calibration.store import Stored

_log = logging.getLogger(__name__)

_FIRST_FRAME = 10.0  # s to wait for a camera's first frame


class NotConnectedError(KnownError):
    """A required device is not connected."""


@dataclass(frozen=True)
class Check:
    """One line of the set-up checklist: `ok`, and a `sentence` that says what to do when it is not."""

    name: str
    ok: bool
    sentence: str


class Session:
    """All connected hardware, or the lab in its place. `open` and `close` block; of the rest only `take_scene` does.

    A component that fails leaves the others working: `problems` holds a message for each, by name ("arm", "lab", or the
    camera's identity). Use from one thread at a time, except for `heartbeat`.
    """

    def __init__(self, settings: ProgramSettings, library: Path | None = None, *, deadlines: Deadlines = PRODUCTION):
        self.settings, self.deadlines = settings, deadlines
        self.library_folder = library or settings.library_folder  # fixed: another one takes effect at the next start
        self.lab: LabProcess | None = None
        self.robot: RobotClient | None = None
        self.captures: dict[str, Capture] = {}
        self.names: dict[str, str] = {}
        self.problems: dict[str, str] = {}
        self.stored: Stored | None = None  # the calibration in use
        self.check: PlaceCheck | None = None  # result for that calibration, None if it was not checked

    @property
    def simulated(self) -> bool:
        return self.settings.arm.kind == SIMULATED

    def open(self, report: Report = silently, token: Cancellation | None = None) -> None:
        """Start and connect everything. Raises Cancelled only; see `problems` for all other faults."""
        token = token or Cancellation()
        self.problems = {}
        try:
            if self.simulated:
                report("Starting the embedded lab", 0.1)
                self._attempt("lab", self._start_lab)
            token.raise_if_cancelled()
            report("Connecting the cameras", 0.4)
            for identity, name, driver in self._drivers():
                self.names[identity] = name  # set first: readers that see the capture look up its name
                self.captures[identity] = Capture(driver, deadlines=self.deadlines)
            report("Connecting the arm", 0.6)
            self._attempt("arm", self._connect_arm)
            report("Waiting for pictures", 0.8)
            self._wait_for_pictures(token)
            report("Looking whether the cameras stand as they stood", 0.9)
            self._attempt("calibration", lambda: self.use(self._load_calibration()))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the arm, then release all devices. May be called twice."""
        if self.lab is not None or self.robot is not None or self.captures:
            _log.info("closing what is connected")
        with contextlib.ExitStack() as stack:
            if self.lab is not None:
                stack.callback(self.lab.close)
            for capture in self.captures.values():
                stack.callback(capture.close)
            if self.robot is not None:
                stack.callback(self.robot.close)
            self.lab, self.robot = None, None
            self.captures, self.names = {}, {}
            self.stored, self.check = None, None

    def heartbeat(self) -> None:
        """Send the window's heartbeat to the robot process; call every 50 ms from the thread that must stay alive."""
        robot = self.robot  # local copy: another thread may be closing it
        if robot is not None and not robot.lost:
            with contextlib.suppress(KnownError):  # reported by `checks` and by the robot's status
                robot.heartbeat()

    @property
    def known(self) -> dict[str, KnownCamera]:
        """Cameras with known extrinsics, by identity: from the active calibration; without one, the lab's ground truth
        ("simulated truth")."""
        return known_cameras(dict(self.captures), dict(self.names), self.stored)

    @property
    def cameras(self) -> dict[str, Camera]:
        """Ideal cameras of those with known extrinsics, by identity."""
        return {identity: known.camera for identity, known in self.known.items()}

    def intrinsics(self, identity: str) -> Intrinsics | None:
        """Return a camera's intrinsics: calibrated if available, else as the camera reports them; None if unknown."""
        known = self.known.get(identity)
        return self.captures[identity].driver.intrinsics if known is None else known.intrinsics

    def use(self, stored: "Stored | None") -> None:
        """Use the extrinsics of this calibration from now on, and check them; None: the lab's ground truth."""
        self.stored, self.check = stored, None
        self.check_places()

    def check_places(self) -> PlaceCheck | None:
        """Check whether the calibrated cameras have moved; takes half a second. Returns None without a calibration."""
        stored = self.stored
        if stored is None:
            return None
        from workflows.calibration.stored_check import check

        known = self.known
        drifts = check(stored, {identity: capture for identity, capture in self.captures.items() if identity in known})
        self.check = place_check(drifts, self.names)
        return self.check

    def take_scene(self, timeout: float = 1.0) -> Scene:
        """Take one undistorted frame from each calibrated camera, captured after this call, with the arm's joint state.

        Raises:
            KnownError: When a camera delivers no frame within `timeout` s or frames older than 100 ms, when the arm or
                the calibration is missing, or when a camera has moved since it was calibrated.
        """
        if self.check is not None and self.check.refusal:
            raise NotConnectedError(self.check.refusal)
        if self.robot is None or self.robot.status is None:
            raise NotConnectedError(f"The arm is not connected. {self.problems.get('arm', 'Connect it first.')}")
        cameras = self.cameras
        if not cameras:
            raise NotConnectedError("No camera is calibrated. Calibrate the cameras first.")
        captures = {identity: self.captures[identity] for identity in cameras}
        frames = synchronized_frames(captures, timeout)
        views = tuple(self._view(frames[identity], identity, camera) for identity, camera in cameras.items())
        status = self.robot.status
        if status is None or not np.isfinite(status.position).all():
            raise NotConnectedError("The arm does not say where it is. Connect it again.")
        openness = 1.0 if status.openness is None else status.openness
        return Scene(views, xarm7.forward(status.position), openness, status.position)

    def checks(self) -> list[Check]:
        """Return the preconditions of a rehearsal, each with what to do when it is not met."""
        cameras = [self._camera_check(identity) for identity in self.captures]
        return [self._arm_check(), *self._box_checks(), *cameras, *self._missing_cameras(), self._place_check()]

    # --- parts ---

    def _attempt(self, name: str, act) -> None:
        try:
            act()
        except KnownError as error:
            self._have_problem(name, error)

    def _have_problem(self, name: str, error: KnownError) -> None:
        self.problems[name] = str(error)
        _log.warning("not connected, %s: %s", name, error, extra=SHOWN)

    def _start_lab(self) -> None:
        lab = self.settings.lab
        self.lab = LabProcess(scene_for(lab.instruction, lab.seed, cameras=lab.cameras, size=lab.picture_px))
        _log.info("the embedded lab is open at %s:%d, seed %d", self.lab.address, self.lab.port, lab.seed)

    def _connect_arm(self) -> None:
        if not self.simulated:
            # A port other than the default exists only on this machine: an arm of `rehearse simulate`.
            address, _, port = self.settings.arm.address.partition(":")
            self.robot = self._client(address, int(port) if port.isdigit() else CONTROL_PORT)
        elif self.lab is not None:
            self.robot = self._client(self.lab.address, self.lab.port)
        else:
            raise NotConnectedError(self.problems.get("lab", "The embedded lab does not run."))
        kind, firmware = self.settings.arm.kind, ".".join(map(str, self.robot.firmware))
        _log.info(
            "%s arm connected: %s, firmware %s, gripper %s", kind, self.robot.model, firmware, self.settings.arm.gripper
        )

    def _client(self, address: str, port: int) -> RobotClient:
        limits, gripper = self.settings.limits, self.settings.arm.gripper
        return RobotClient(address, port, limits=limits, gripper=gripper, deadlines=self.deadlines)

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
                self._have_problem(choice.identity, error)
        return found

    def _wait_for_pictures(self, token: Cancellation) -> None:
        deadline = time.monotonic() + _FIRST_FRAME
        while any(capture.newest is None for capture in self.captures.values()) and time.monotonic() < deadline:
            token.wait(0.02)

    def _load_calibration(self) -> "Stored | None":
        """Return the library's active calibration; None for a lab that uses the simulation's ground truth."""
        if self.simulated and self.settings.lab.true_places:
            return None
        if not any((self.library_folder / "calibrations").glob("*/")):
            return None
        from storage.library import Library
        from workflows.calibration.store import active

        with Library(self.library_folder) as library:
            return active(library)

    def _view(self, frame: Frame, identity: str, camera: Camera) -> View:
        intrinsics = self.intrinsics(identity)
        assert intrinsics is not None  # a camera with known extrinsics has known intrinsics
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

    def _box_checks(self) -> list[Check]:
        """Check that the control box's settings are those the program relies on; empty without an arm."""
        robot = self.robot
        if robot is None or robot.lost or robot.status is None or robot.status.state is ArmState.DISCONNECTED:
            return []
        compared = robot.control_box
        if not compared:
            return [Check("Control box", False, "it has not told its settings yet")]
        different = differences(compared)
        first = next(iter(different), None)
        if first is None:
            return [Check("Control box", True, "set as the program needs it")]
        if first.refuses:
            sentence = f"{first.label}: {first.found}, not {first.expected}. Nothing moves before it is right"
            return [Check("Control box", False, sentence)]
        names = ", ".join(each.label.lower() for each in different)
        return [Check("Control box", True, f"the arm can be moved, but look at: {names}")]

    def _camera_check(self, identity: str) -> Check:
        figures = self.captures[identity].figures
        name = f"Camera {self.names[identity]}"
        if figures.state == "live":
            return Check(name, True, f"{figures.fps:.0f} pictures a second")
        return Check(name, False, figures.last_error or str(figures.state))

    def _missing_cameras(self) -> list[Check]:
        """Return a failed check for each selected camera whose driver could not be created."""
        chosen = () if self.simulated else self.settings.cameras
        problems = [(choice.name, self.problems.get(choice.identity, "")) for choice in chosen]
        return [Check(f"Camera {name}", False, problem) for name, problem in problems if problem]

    def _place_check(self) -> Check:
        known = self.known
        missing = [self.names[identity] for identity in self.captures if identity not in known]
        if self.check is not None and self.check.refusal:
            return Check("Calibration", False, self.check.refusal)
        if len(known) >= 2:
            true = all(each.kind == SIMULATED_TRUTH for each in known.values())
            what = "known from the simulation" if true else "calibrated"
            return Check("Calibration", True, f"{len(known)} cameras, {what}")
        if "calibration" in self.problems:
            return Check("Calibration", False, self.problems["calibration"])
        if len(self.captures) < 2:
            return Check("Calibration", False, "two cameras or more are needed: choose them, then save and connect")
        return Check("Calibration", False, f"two calibrated cameras are needed; not calibrated: {', '.join(missing)}")
