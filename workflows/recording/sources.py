"""Recorded devices of a session: its cameras with their calibrations, and the arm's measurements."""

import uuid
from typing import Any

import numpy as np

from cameras.capture import Capture, Subscription
from cameras.health import State
from cameras.intrinsics import Intrinsics
from foundation.camera import Camera
from foundation.clocks import utc_now
from foundation.errors import KnownError
from robot.service.client import RobotClient
from robot.service.status import MotionSample, SampleTap
from robot.state import Activity, ArmState
from storage.episodes.documents import Calibration, Lens, PlaceSeen, ViewSpec
from storage.episodes.samples import ArmSample
from storage.library import Library
from workflows.calibration.place_check import PlaceCheck
from workflows.known_cameras import KnownCamera
from workflows.recording.facts import RecordError
from workflows.recording.recorder import Recorder
from workflows.session import NotConnectedError, Session

_QUEUE = 60  # frames, 2 s: how long the encoder may stall before a frame is lost
_LOST = {
    State.OPENING: "is still starting. Wait a moment.",
    State.FROZEN: "repeats one and the same picture. Unplug it and plug it in again.",
    State.STALLED: "has stopped sending pictures. Check its cable.",
    State.GONE: "is not connected. Check its cable.",
    State.CLOSED: "has been switched off. Connect again.",
}
_NOT_READY = {
    ArmState.DISCONNECTED: "The arm is not connected. Connect it first.",
    ArmState.STOPPED: "The arm stands stopped. Make it ready first.",
    ArmState.STOPPING: "The arm is being stopped. Make it ready first.",
    ArmState.NOT_ENABLED: "The arm is not enabled. Make it ready first.",
    ArmState.NOT_READY: "The arm is not ready. Make it ready first.",
}
_STOPPED = (ArmState.STOPPED, ArmState.STOPPING, ArmState.NOT_READY)  # NOT_READY can precede STOPPED for an instant
_BY_ITSELF = (Activity.FOLLOWING, Activity.JOGGING, Activity.PREPARING)


class CameraView:
    """One camera of a session, as a `RecordedView`. A slow camera keeps recording; the episode's findings report it."""

    def __init__(self, capture: Capture, name: str, session: Session):
        self.name = name
        self._capture, self._session = capture, session
        self._subscription: Subscription | None = None

    @property
    def fault(self) -> str:
        words = _LOST.get(self._capture.state)
        return "" if words is None else f"The camera {self.name} {words}"

    def spec(self) -> ViewSpec:
        driver, newest = self._capture.driver, self._capture.newest
        size = driver.size or (None if newest is None else newest.size)
        if size is None:
            raise RecordError(f"The camera {self.name} has not given a picture yet. Wait a moment.")
        known, lens = self._session.known.get(driver.identity), driver.intrinsics
        rate, place = driver.fps or 0.0, place_seen(self._session.check, driver.identity)
        if known is None:
            return ViewSpec(driver.identity, self.name, *size, rate, None if lens is None else lens_of(lens))
        calibration = known_calibration(known)
        return ViewSpec(driver.identity, self.name, *size, rate, calibration.lens, calibration, place)

    def begin(self) -> Subscription:
        self._subscription = self._capture.subscribe(_QUEUE)
        return self._subscription

    def end(self) -> None:
        if self._subscription is not None:
            self._capture.unsubscribe(self._subscription)
            self._subscription = None


class RobotArm:
    """The arm of a session, as a `RecordedArm`."""

    def __init__(self, robot: RobotClient, *, simulated: bool):
        self.name, self.simulated = robot.model, simulated
        self._robot = robot
        self._tap: SampleTap | None = None

    @property
    def fault(self) -> str:
        try:
            status = self._robot.status
        except KnownError as error:
            return str(error)
        if status is None:
            return _NOT_READY[ArmState.DISCONNECTED]
        if status.state is ArmState.ERROR:
            return status.fault or f"The arm reports the error C{status.error}. Follow the steps on the Arm screen."
        if self._tap is not None and status.state in _STOPPED:
            return f"The arm was stopped. {status.fault}".strip()
        words = _NOT_READY.get(status.state, "")
        what_to_do = words.partition(". ")[2]
        return f"{status.fault} {what_to_do}" if words and status.fault else words

    def begin(self) -> None:
        self._tap = self._robot.tap_samples()

    def take(self) -> list[ArmSample]:
        return [] if self._tap is None else [_arm_sample(sample) for sample in self._tap.take()]

    def end(self) -> None:
        if self._tap is not None:
            self._robot.untap_samples(self._tap)
            self._tap = None

    def halt(self) -> None:
        status = None if self._robot.lost else self._robot.status
        if status is not None and status.activity in _BY_ITSELF:
            self._robot.stop()


def recorder_for(session: Session, library: Library) -> Recorder | None:
    """Return a recorder of the connected devices into a library; None while no arm is connected."""
    return None if session.robot is None else Recorder(library, views_of(session), arm_of(session))


def views_of(session: Session) -> list[CameraView]:
    """Return every camera of the session, calibrated or not."""
    return [CameraView(capture, session.names[identity], session) for identity, capture in session.captures.items()]


def arm_of(session: Session) -> RobotArm:
    """Return the session's arm. Raises NotConnectedError when there is none."""
    if session.robot is None:
        raise NotConnectedError(session.problems.get("arm", "The arm is not connected. Connect it first."))
    return RobotArm(session.robot, simulated=session.simulated)


def lens_of(intrinsics: Intrinsics) -> Lens:
    """Convert intrinsics to the form that episodes store."""
    return Lens(intrinsics.width, intrinsics.height, _rows(intrinsics.K), tuple(intrinsics.distortion.tolist()))


def calibration_of(lens: Lens, camera: Camera, kind: str) -> Calibration:
    """Return intrinsics and extrinsics in the form that episodes store; equal ones have equal ids in all recordings."""
    contents = np.concatenate([np.ravel(lens.K), lens.distortion, camera.base_from_camera.ravel()])
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{camera.name} {kind} {contents.tobytes().hex()}")
    return Calibration(str(identity), utc_now().isoformat(), kind, lens, _rows(camera.base_from_camera))


def known_calibration(known: KnownCamera) -> Calibration:
    """Return the session's calibration of a camera in the form that episodes store, under the id of its calibration."""
    if known.calibration_id is None or known.made_at is None:
        return calibration_of(lens_of(known.intrinsics), known.camera, known.kind)
    return Calibration(
        str(known.calibration_id),
        known.made_at.isoformat(),
        known.kind,
        lens_of(known.intrinsics),
        _rows(known.camera.base_from_camera),
        known.delay_s,
        known.error_mm,
        known.error_px,
    )


def place_seen(check: PlaceCheck | None, identity: str) -> PlaceSeen | None:
    """Return the session's drift check of one camera in the form that episodes store."""
    drift = None if check is None else check.drifts.get(identity)
    if check is None or drift is None:
        return None
    shift = {"shift_mm": _finite(drift.shift_mm), "shift_px": _finite(drift.shift_px)}
    return PlaceSeen(
        check.at.isoformat(), str(drift.light), drift.sentence, acknowledged_by=check.acknowledged_by, **shift
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rows(matrix: np.ndarray) -> Any:
    return tuple(tuple(row) for row in matrix.tolist())


def _arm_sample(sample: MotionSample) -> ArmSample:
    mode, state, error, warning = sample.codes
    return ArmSample(
        time=sample.read,
        position=sample.position,
        velocity=sample.velocity,
        effort=sample.effort,
        commanded=sample.commanded,
        openness=sample.openness,
        commanded_openness=sample.commanded_openness,
        mode=mode,
        state=state,
        error=error,
        warning=warning,
    )
