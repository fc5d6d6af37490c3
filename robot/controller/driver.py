"""Arm driver over the manufacturer's SDK, the only module that imports it; contains its process-wide side effects."""

import contextlib
import importlib
import logging
import sys
import threading
from collections.abc import Generator
from enum import StrEnum
from typing import Any, Self

import numpy as np

from foundation import xarm7
from foundation.arm import ArmStatus, ControllerSettings, JointReading, Mode, Reported, State
from foundation.clocks import Clock, SystemClock
from foundation.deadlines import PRODUCTION
from foundation.poses import distance, from_rpy
from robot.controller.endpoint import CONTROL_PORT, Endpoint, identify
from robot.controller.error_codes import LINK_CODES, api_code, controller_error, gripper_error
from robot.controller.sdk_isolation import LogFile, ToLog, default_timeout_kept, writable_home
from robot.errors import LinkError, RobotError

_log = logging.getLogger("rehearse.robot.sdk")
_sdk_lock = threading.Lock()  # the SDK's port and the default socket timeout are process-wide
_GRIPPER_BAUD = 2_000_000
_GRIPPER_SPEED = 3000  # r/min, of 5000
_WHOLE_REPORTS = 2  # when the callback for the first report runs, that report is not yet complete
_REPORTS_END, _SETTINGS_END = 0.5, 1.5  # s after which the last report is stale
_INTERRUPTIONS = (State.PAUSED, State.STOPPED, State.RESET, State.STOPPING)
_UNREADY = 9  # the SDK's code for an arm that is not ready to move, expected after a system reset


class Reports(StrEnum):
    """Reports that a connection subscribes to; the values are the SDK's names."""

    NONE = "none"
    STATE = "real"  # port 30003, 100 times a second: state, mode, joints
    SETTINGS = "rich"  # port 30002, five times a second: all data


class XArm:
    """One connection to one controller; implements `foundation.arm.ArmLink`.

    Raises LinkError if no trustworthy answer arrives, and RobotError with the controller's own reason if it refuses.
    Not for concurrent use: all calls except `reported` and `read_settings` wait for one another. Without `reports`,
    `read_status` does not know the mode (-1), and the SDK's report thread, which wakes a thousand times a second, does
    not run; only the SETTINGS reports contain the settings.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock | None = None,
        *,
        reports: Reports = Reports.SETTINGS,
        timeout: float = 5.0,
        reply: float = PRODUCTION.reply,
    ):
        self.endpoint = endpoint
        self.identity = identify(endpoint)
        self._clock: Clock = clock or SystemClock()
        self._reports = reports
        self._interruptions, self._reports_taken, self._newest_report = 0, 0, -np.inf
        self._api = _connected(endpoint, reports, timeout)
        self._api.set_timeout(reply)
        if reports is not Reports.NONE:
            self._api.register_state_changed_callback(self._state_changed)
            self._api.register_report_callback(self._report_taken)

    @property
    def connected(self) -> bool:
        return bool(self._api.connected)

    def close(self) -> None:
        """Disconnect from the controller; the arm stays as it is."""
        _disconnect(self._api)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- readings ---

    def read_joints(self) -> JointReading:
        position, velocity, effort = self._value(self._api.get_joint_states(is_radian=True, num=3))
        arrays = [np.array(part, float) for part in (position, velocity, effort)]
        if any(array.shape != (xarm7.JOINTS,) for array in arrays):
            raise LinkError(api_code(4))
        return JointReading(arrays[0], arrays[1], arrays[2], self._clock.now())

    def read_status(self) -> ArmStatus:
        """Read state and errors now; the mode is the last reported one, up to 0.2 s old, as it cannot be requested."""
        state = self._value(self._api.get_state())
        error, warning = self._value(self._api.get_err_warn_code())
        return ArmStatus(int(state), self.reported().mode, int(error), int(warning))

    def reported(self) -> Reported:
        """Return state and mode of the newest report; -1 if it is missing or stale."""
        if self._reports is Reports.NONE or self._clock.now() > self._newest_report + _REPORTS_END:
            return Reported(-1, -1, self._interruptions)
        return Reported(int(self._api.state), int(self._api.mode), self._interruptions)

    def read_settings(self) -> ControllerSettings | None:
        old = self._clock.now() > self._newest_report + _SETTINGS_END
        if self._reports is not Reports.SETTINGS or self._reports_taken < _WHOLE_REPORTS or old:
            return None
        api = self._api
        kilograms, centre_mm = api.tcp_load
        ranges = tuple(
            (float(low), float(high)) for low, high in api.reduced_joint_limits[: xarm7.JOINTS] if api.is_reduced_mode
        )
        return ControllerSettings(
            tcp_offset=_metres(api.tcp_offset),
            world_offset=_metres(api.world_offset),
            gravity=tuple(float(part) for part in api.gravity_direction[:3]),
            payload=(float(kilograms), *(float(part) / 1000.0 for part in centre_mm)),
            collision_sensitivity=int(api.collision_sensitivity),
            reduced=bool(api.is_reduced_mode),
            fence=bool(api.is_fence_mode),
            joint_ranges=ranges,
        )

    def _state_changed(self, item: dict[str, Any]) -> None:
        self._interruptions += item["state"] in _INTERRUPTIONS

    def _report_taken(self, _: dict[str, Any]) -> None:
        self._reports_taken += 1
        self._newest_report = self._clock.now()

    def read_gripper(self) -> float:
        code, pulse = self._api.get_gripper_position()
        self._check(code)
        if pulse is None:
            raise RobotError("The gripper does not say where it is. Check its plug at the arm's end.")
        return float(pulse)

    # --- motion ---

    def servo_joints(self, position: np.ndarray) -> None:
        self._check(self._api.set_servo_angle_j(position.tolist(), is_radian=True))

    def cartesian_velocity(self, twist: np.ndarray, *, tool_frame: bool, duration: float) -> None:
        if not 0.0 < duration <= 1.0:
            raise ValueError(f"a velocity must end by itself, within 1 s, not {duration}")
        speeds = [*(1000.0 * twist[:3]).tolist(), *twist[3:].tolist()]
        code = self._api.vc_set_cartesian_velocity(
            speeds, is_radian=True, is_tool_coord=tool_frame, check_mode=False, duration=duration
        )
        self._check(code)

    def stop(self) -> None:
        self._check(self._api.set_state(4))

    def move_gripper(self, pulse: float) -> None:
        # Without these two arguments the call waits for the arm's motion to end.
        self._check(self._api.set_gripper_position(round(pulse), wait=False, wait_motion=False))

    # --- operator commands ---

    def set_mode(self, mode: Mode) -> None:
        self._check(self._api.set_mode(int(mode)))

    def set_ready(self) -> None:
        self._check(self._api.set_state(0))

    def clear_error(self) -> None:
        # While the cause persists the controller answers that an error is pending: read it, it is the reason.
        self._check(self._api.clean_error())
        self._check(self._api.clean_warn(), refused=False)

    def enable(self) -> None:
        self._check(self._api.motion_enable(True))

    def enable_gripper(self) -> None:
        baud = self._value(self._api.get_tgpio_modbus_baudrate())
        if baud != _GRIPPER_BAUD:
            raise RobotError(
                f"The arm talks to its tool at {baud} baud, the gripper at {_GRIPPER_BAUD}. Set it in UFACTORY Studio."
            )
        self._check(self._api.clean_gripper_error())
        self._check(self._api.set_gripper_enable(True))
        self._check(self._api.set_gripper_mode(0))
        self._check(self._api.set_gripper_speed(_GRIPPER_SPEED))

    def write_setting(self, name: str, value: tuple[float, ...]) -> None:
        """Set one field of ControllerSettings, in its units; RobotError for a field that cannot be written.

        Each of these stops the arm and leaves it unready (the manufacturer's "system reset"): nothing here makes it
        ready again.
        """
        match name:
            case "tcp_offset":
                code = self._api.set_tcp_offset(_millimetres(value), is_radian=True, wait=False)
            case "world_offset":
                code = self._api.set_world_offset(_millimetres(value), is_radian=True, wait=False)
            case "gravity":
                code = self._api.set_gravity_direction(list(value), wait=False)
            case "payload":
                kilograms, *centre = value
                code = self._api.set_tcp_load(kilograms, [1000.0 * part for part in centre], wait=False)
            case "collision_sensitivity":
                # The SDK's own call sends set_state(0) itself, which would undo a stop; the command below does not.
                code = self._api._arm.arm_cmd.set_collis_sens(int(value[0]))[0]
            case _:
                raise RobotError(f"The control box's {name} cannot be set from here. Set it in UFACTORY Studio.")
        self._check(0 if code == _UNREADY else code)

    def set_fence(self, low: np.ndarray, high: np.ndarray) -> None:
        """Enable the controller's own safety boundary: the tool point stays between `low` and `high` (3,) m."""
        low_mm, high_mm = (1000 * low).round().astype(int), (1000 * high).round().astype(int)
        boundary = [int(value) for pair in zip(high_mm, low_mm, strict=True) for value in pair]
        self._check(self._api.set_reduced_tcp_boundary(boundary))
        self._check(self._api.set_fence_mode(True))

    def set_reduced_mode(self, on: bool, *, tcp_speed: float = 0.25, joint_speed: float = float(np.pi / 3)) -> None:
        """Set the controller's own reduced limits, m/s and rad/s, below those of the program."""
        if on:
            self._check(self._api.set_reduced_max_tcp_speed(1000.0 * tcp_speed))
            self._check(self._api.set_reduced_max_joint_speed(joint_speed, is_radian=True))
        self._check(self._api.set_reduced_mode(on))

    def kinematics_error(self, samples: np.ndarray) -> tuple[float, float]:
        """Return the largest distance (mm, deg) between our TCP and the controller's over joint `samples` (n, 7).

        Raises RobotError before the first complete report: the controller's answers include its own TCP offset.
        """
        settings = self.read_settings()
        if settings is None:
            raise RobotError("The control box has not told its tool point yet. Try again.")
        offset = np.array(settings.tcp_offset)
        flange_from_tool = from_rpy(offset[:3], offset[3:])
        worst_mm, worst_deg = 0.0, 0.0
        for q in samples:
            answer = self._api.get_forward_kinematics(q.tolist(), input_is_radian=True, return_is_radian=True)
            theirs = np.array(self._value(answer), float)
            if theirs.shape != (6,) or not np.isfinite(theirs).all():
                raise LinkError(api_code(4))
            metres, radians = distance(xarm7.forward(q, flange_from_tool), from_rpy(theirs[:3] / 1000.0, theirs[3:6]))
            worst_mm, worst_deg = max(worst_mm, 1000.0 * float(metres)), max(worst_deg, float(np.rad2deg(radians)))
        return worst_mm, worst_deg

    # --- replies ---

    def _value(self, answer: Any) -> Any:
        """Return the value of a reply (code, value)."""
        code, value = answer
        self._check(code)
        if value is None or isinstance(value, str):  # the SDK returns a text there if it has no value
            raise LinkError(api_code(-1))
        return value

    def _check(self, code: Any, *, refused: bool = True) -> None:
        """Raise the error of a code; some SDK calls return it in a list, and some nothing at all if the link broke."""
        if isinstance(code, list | tuple):
            code = code[0] if code else None
        if code == 0 or code == 2 or (not refused and code == 1):
            return
        if code is None or code in LINK_CODES:
            raise LinkError(api_code(3 if code is None else code))
        raise RobotError(self._reason(code))

    def _reason(self, code: int) -> str:
        if code == 1 or code == 9:
            answer, value = self._api.get_err_warn_code()
            if answer == 0 and value[0]:
                return controller_error(int(value[0]))
        if code == 102 and self._api.gripper_error_code:
            return gripper_error(int(self._api.gripper_error_code))
        return api_code(code)


def _metres(values: Any) -> tuple[float, ...]:
    """Convert the SDK's x, y, z in mm to m; the angles stay in rad."""
    return tuple(float(part) / 1000.0 if i < 3 else float(part) for i, part in enumerate(values[:6]))


def _millimetres(values: tuple[float, ...]) -> list[float]:
    return [1000.0 * part if i < 3 else part for i, part in enumerate(values)]


def _connected(endpoint: Endpoint, reports: Reports, timeout: float) -> Any:
    """Return a connected XArmAPI. It connects in its own thread, as the SDK may block for long."""
    result: dict[str, Any] = {}
    abandoned = threading.Event()

    def connect() -> None:
        try:
            result["api"] = _connect(endpoint, reports)
        except Exception as error:  # noqa: BLE001 the SDK raises bare Exception; it is reported below
            result["error"] = error
        if abandoned.is_set() and "api" in result:
            _disconnect(result["api"])

    thread = threading.Thread(target=connect, name="xarm-connect", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        abandoned.set()
        raise LinkError(f"The controller at {endpoint.address} stopped answering while connecting. Try again.")
    if "error" in result:
        if isinstance(result["error"], RobotError):
            raise result["error"]
        _log.warning("the SDK could not connect: %s", result["error"])
        raise LinkError(f"The connection to {endpoint.address} failed. Check the cable and the control box, try again.")
    return result["api"]


def _disconnect(api: Any) -> None:
    """Disconnect without the SDK's delay of up to 2 s.

    Its report thread would take the end for a fault and sleep before it checks again, and its feedback thread waits for
    a frame. So both are notified first, the latter with an empty frame.
    """
    arm = api._arm
    arm._stream._connected = False
    arm._feedback_que.put(bytes(32))
    for thread in (arm._report_thread, arm._feedback_thread):
        if thread is not None:
            thread.join(2.0)
    api.disconnect()


def _connect(endpoint: Endpoint, reports: Reports) -> Any:
    with _sdk_lock, default_timeout_kept():
        wrapper, configuration = _sdk()
        with _control_port(configuration, endpoint):
            # forbid_uds: otherwise a file in the system's temporary folder would answer for any address.
            return wrapper.XArmAPI(
                endpoint.address,
                is_radian=True,
                forbid_uds=True,
                enable_report=reports is not Reports.NONE,
                report_type=(Reports.SETTINGS if reports is Reports.NONE else reports).value,
                timed_comm=False,
                baud_checkset=False,  # else a gripper call may clear an error and set the arm ready by itself
                check_is_pause=False,  # else a motion call waits while the arm is paused
                check_simulation_mode=False,
                check_cmdnum_limit=False,
            )


@contextlib.contextmanager
def _control_port(configuration: Any, endpoint: Endpoint) -> Generator[None]:
    """Set the SDK's port, a module constant, while connecting, and for addresses on this machine only."""
    before = configuration.TCP_CONTROL_PORT
    if endpoint.loopback:
        configuration.TCP_CONTROL_PORT = endpoint.port
    elif before != CONTROL_PORT:
        raise RobotError("The SDK's port was changed by something else in this process. Restart the program.")
    try:
        yield
    finally:
        configuration.TCP_CONTROL_PORT = before


def _sdk() -> tuple[Any, Any]:
    """Return the SDK's wrapper module and its socket settings, imported on first use, its output sent to our log."""
    if "xarm.wrapper" not in sys.modules:
        with writable_home():
            try:
                with contextlib.redirect_stdout(LogFile(_log)):
                    importlib.import_module("xarm.wrapper")
            except (ImportError, OSError) as error:
                raise RobotError(f"The maker's SDK cannot be used ({error}). Install the program again.") from error
    _silence()  # also if another module imported it
    from xarm import wrapper
    from xarm.core.config.x_config import XCONF

    return wrapper, XCONF.SocketConf


def _silence() -> None:
    """Redirect the SDK's printing and logging, which go to standard output, to our log."""
    from xarm.core.utils.log import logger, origin_logger

    def print_to_log(*values: object, **_: object) -> None:
        _log.info(" ".join(map(str, values)))

    for log in (logger, origin_logger):
        log.handlers[:] = [ToLog(_log)]
        log.propagate = False
    for name, module in list(sys.modules.items()):
        if name.startswith("xarm.") and module:
            module.__dict__["print"] = print_to_log
