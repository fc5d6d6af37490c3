"""Another program on the same control box, by the maker's SDK: are its actions noticed, and how soon?"""

import threading
import time
from collections.abc import Callable

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.station import STATES, Station
from foundation.errors import KnownError
from robot.box_check import differences

_WITHIN = 1.0  # s after which a takeover no longer counts as noticed
_BEFORE_ERROR = 1.0  # s


def _jog(sdk) -> None:
    sdk.set_mode(5)
    sdk.set_state(0)
    sdk.vc_set_cartesian_velocity([0, 60, 0, 0, 0, 0], duration=0.5)


def _move(sdk) -> None:
    sdk.set_mode(0)
    sdk.set_state(0)
    sdk.set_position(z=15, relative=True, speed=60, wait=False)


def _guide(sdk) -> None:
    sdk.set_mode(2)
    sdk.set_state(0)


def _mode(sdk) -> None:
    sdk.set_mode(6)


def _pause(sdk) -> None:
    sdk.set_state(3)


def _stop(sdk) -> None:
    sdk.set_state(4)


def _targets(sdk) -> None:
    """Send servo targets in the mode that this program uses itself."""
    q = np.array(sdk.get_servo_angle(is_radian=True)[1][:7])
    for _ in range(30):
        q[0] += 0.005
        sdk.set_servo_angle_j(q.tolist(), is_radian=True)
        time.sleep(0.01)


_TARGETS, _CLEARS = "sends targets", "clears the error"
ACTS: dict[str, Callable] = {
    "jogs": _jog,
    "moves": _move,
    "guides": _guide,
    "changes the mode": _mode,
    "pauses": _pause,
    "stops": _stop,
    _TARGETS: _targets,
}
# Without an effect that could be noticed: a stop of a stopped arm, targets that the mode does not accept, hand guiding
# of an arm that is already hand-guided.
_NOTHING = {
    *(("stopped", act) for act in ("pauses", "stops", "sends targets")),
    *(("jogging", act) for act in ("sends targets",)),
    *(("hand guiding", act) for act in ("sends targets", "guides")),
}


def checks(times: int) -> list[Check]:
    """Run every action of the other program in every state of ours, `times` each; and a cleared error."""
    took: dict[str, list[float]] = {name: [] for name in (*ACTS, _CLEARS)}
    missed, count = [], 0
    with Station() as station:
        for state in STATES:
            for name, act in ACTS.items():
                if (state, name) in _NOTHING:
                    continue
                for _ in range(times):
                    station.bring(state)
                    milliseconds = _noticed_ms(station, act)
                    count += 1
                    missed += [(state, name)] if milliseconds is None else []
                    took[name] += [] if milliseconds is None else [milliseconds]
            say(f"{state}: {count} takeovers so far, {len(missed)} missed")
        for _ in range(times):
            station.bring("ready")
            station.lab.controller_fault(raise_error=31)
            time.sleep(_BEFORE_ERROR)
            milliseconds = _noticed_ms(station, lambda sdk: (sdk.clean_error(), sdk.clean_warn()))
            count += 1
            missed += [("error", _CLEARS)] if milliseconds is None else []
            took[_CLEARS] += [] if milliseconds is None else [milliseconds]
    for each in missed:
        say(f"not noticed: {each}")
    told = [each for name, values in took.items() for each in values if name != _TARGETS]
    return [
        Check("takeovers", count, "", ""),
        Check("takeovers_noticed_pct", 100.0 * (count - len(missed)) / count, "%", "= 100"),
        Check("takeover_noticed_ms", max(told, default=np.inf), "ms", "<= 100"),
        Check("takeover_noticed_median_ms", float(np.median(told)) if told else np.inf, "ms", ""),
        # Neither mode nor state changes: nothing shows before the arm is where it should not be.
        Check("targets_in_our_mode_noticed_ms", max(took[_TARGETS], default=np.inf), "ms", ""),
    ]


def _noticed_ms(station: Station, act: Callable) -> float | None:
    """Return ms from the other program's first call to the report in our window; None when it is not reported."""
    before = station.status.fault
    other = threading.Thread(target=act, args=(station.sdk,), name="the other program")
    began = time.monotonic()
    other.start()
    try:
        return _first_word_ms(station, before, began)
    finally:
        other.join()


def _first_word_ms(station: Station, before: str, began: float) -> float | None:
    while time.monotonic() < began + _WITHIN:
        status = station.status
        if status.fault and status.fault != before:
            return 1000.0 * (status.received - began)
        time.sleep(0.002)
    return None


SETTINGS = {
    "tcp_offset": ((0.0,) * 6, (0.0, 0.0, 0.126, 0.0, 0.0, 0.0), (0.0, 0.0, 0.172, 0.0, 0.0, 0.5)),
    "world_offset": ((0.1, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 0.3)),
    "gravity": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "payload": ((0.0,) * 4, (2.5, 0.0, 0.0, 0.1)),
    "collision_sensitivity": ((0.0,), (1.0,)),
}
_REFUSING = ("tcp_offset", "world_offset", "gravity")
_SET_WITHIN = 2.0  # s


def settings_checks(times: int) -> list[Check]:
    """Check changes of the control box's settings by the other program.

    They are shown, refused where they change what a command means, and corrected by one press.
    """
    count, noticed, refused, right = 0, 0, 0, 0
    with Station() as station:
        for state in ("ready", "running", "jogging", "hand guiding", "stopped"):
            for name, values in SETTINGS.items():
                for value in values * times:
                    station.bring(state)
                    count += 1
                    station.studio.write_setting(name, value)
                    noticed += _shown(station, name, differs=True)
                    station.let_go()
                    refused += _refuses(station) == (name in _REFUSING)
                    right += _set_right(station, name)
            say(f"{state}: {count} settings, {noticed} noticed, {refused} treated rightly, {right} set right")
    return [
        Check("box_settings", count, "", ""),
        Check("box_settings_noticed_pct", 100.0 * noticed / count, "%", "= 100"),
        Check("box_settings_refused_rightly_pct", 100.0 * refused / count, "%", "= 100"),
        Check("box_settings_set_right_pct", 100.0 * right / count, "%", "= 100"),
    ]


def _shown(station: Station, name: str, *, differs: bool) -> bool:
    deadline = time.monotonic() + _SET_WITHIN
    while time.monotonic() < deadline:
        if any(each.name == name for each in differences(station.robot.control_box)) is differs:
            return True
        time.sleep(0.02)
    return False


def _refuses(station: Station) -> bool:
    """Return whether hand guiding, and being made ready, are refused because of the control box."""
    words = []
    for press in (station.robot.hand_guide, station.robot.arm_for_motion):
        try:
            press()
            words.append("")
        except KnownError as error:
            words.append(str(error))
        time.sleep(0.3)
    return all("The control box has another" in each for each in words)


def _set_right(station: Station, name: str) -> bool:
    if station.status.state.value in ("following", "jogging", "hand guiding"):
        station.robot.stop()
        time.sleep(0.3)
    try:
        station.robot.write_setting(name)
    except KnownError as error:
        say(f"{name} was not set right: {error}")
        return False
    return _shown(station, name, differs=False)
