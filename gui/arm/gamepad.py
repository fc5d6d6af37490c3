"""Gamepad or SpaceMouse for hand control: sticks or cap move the arm while the left (shoulder) button is held.

A gamepad's Start is Stop; a SpaceMouse's right button opens and closes the gripper. The kernel names sticks and buttons
the same way for every pad it supports (kernel document "Linux Gamepad Specification"). Devices are read with evdev;
without it, or without a pad, this module does nothing.

The kernel reports a SpaceMouse's cap as six simultaneous axes. They (3Dconnexion: x right, y towards the user, z down)
are rotated to the base frame as seen by a user facing along the arm: x away, y left, z up. Most models report relative
axes, of which the kernel omits zeros: silence then means that the cap was released.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal

FULL = 350  # of a relative axis at full deflection
SILENT_MS = 120  # a deflected cap reports about every 16 ms
_DEAD_ZONE = 0.08  # share of full deflection: a hand resting on the cap
_AXES = {"X": (1, -1), "Y": (0, -1), "Z": (2, -1), "RX": (4, -1), "RY": (3, -1), "RZ": (5, -1)}


@dataclass
class CapState:
    """Deflection of the cap per axis in [-1, 1], by the kernel's names without REL_ or ABS_."""

    pushed: dict[str, float] = field(default_factory=dict)
    armed: bool = False

    @property
    def twist(self) -> np.ndarray:
        """Shares (6,) of full speed; zeros unless the button is held."""
        twist = np.zeros(6)
        if self.armed:
            for name, value in self.pushed.items():
                axis, sign = _AXES[name]
                beyond = max(0.0, abs(value) - _DEAD_ZONE) / (1.0 - _DEAD_ZONE)
                twist[axis] = sign * np.sign(value) * beyond**2  # fine control near the centre
        return twist

    def take(self, name: str, value: int, low: int = -FULL, high: int = FULL) -> None:
        """Process one axis event with `value` in [low, high]."""
        axis = name.partition("_")[2]
        if axis in _AXES and high > low:
            self.pushed[axis] = float(np.clip(2.0 * (value - low) / (high - low) - 1.0, -1.0, 1.0))

    def let_go(self) -> None:
        """Reset the cap to its centre."""
        self.pushed.clear()


def _evdev() -> Any:
    try:
        return importlib.import_module("evdev")
    except ImportError:  # not available on this machine: buttons and keys do the same
        return None


DEAD_ZONE = 0.15  # share of a stick's travel: rest position of worn sticks
_LOOK_MS = 3000
# Stick: (axis of the twist, sign). Away from the operator is x forward, along the arm.
_STICKS = {"ABS_Y": (0, -1), "ABS_X": (1, -1), "ABS_RY": (2, -1), "ABS_RX": (5, -1)}


@dataclass
class PadState:
    """Sticks in [-1, 1] by the kernel's names, and the state of the left shoulder button."""

    sticks: dict[str, float] = field(default_factory=dict)
    armed: bool = False

    @property
    def twist(self) -> np.ndarray:
        """Shares (6,) of full speed; zeros unless the shoulder button is held."""
        twist = np.zeros(6)
        if self.armed:
            for name, value in self.sticks.items():
                axis, sign = _STICKS[name]
                beyond = max(0.0, abs(value) - DEAD_ZONE) / (1.0 - DEAD_ZONE)
                twist[axis] += sign * np.sign(value) * beyond**2  # fine control near the centre
        return twist

    def take(self, name: str, value: int, low: int, high: int) -> None:
        """Process one stick event from the kernel with `value` in [low, high]."""
        if name in _STICKS and high > low:
            self.sticks[name] = float(np.clip(2.0 * (value - low) / (high - low) - 1.0, -1.0, 1.0))


class Gamepad(QObject):
    """First gamepad or SpaceMouse that is plugged in; reconnects after unplugging."""

    moved = Signal(object)  # shares (6,) of full speed
    stop = Signal()
    gripper = Signal(float)
    present_changed = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.name = ""  # '' without a device
        self._state: PadState | CapState = PadState()
        self._device: Any = None
        self._opened = False  # last command of the SpaceMouse's single gripper button
        self._silence = QTimer(self, interval=SILENT_MS, singleShot=True)
        self._silence.timeout.connect(self._silent)
        self._notifier: QSocketNotifier | None = None
        self._known: frozenset[str] = frozenset()
        self._evdev = _evdev()
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        if self._evdev is not None:
            self._timer.start()

    def close(self) -> None:
        self._timer.stop()
        self._let_go()

    def _look(self) -> None:
        paths = frozenset(self._evdev.list_devices())
        if self._device is None and paths != self._known:
            for path in sorted(paths - self._known):
                self._try(path)
        self._known = paths

    def _try(self, path: str) -> None:
        if self._device is not None:
            return
        try:
            device = self._evdev.InputDevice(path)
        except OSError:  # no permission: another user's device
            return
        state = state_for(device.capabilities(), self._evdev.ecodes)
        if state is None:
            device.close()
            return
        self._device, self._state, self.name = device, state, device.name
        self._notifier = QSocketNotifier(device.fd, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self.present_changed.emit()

    def _read(self) -> None:
        assert self._device is not None
        try:
            events = list(self._device.read())
        except BlockingIOError:
            return
        except OSError:  # unplugged
            self._let_go()
            return
        for event in events:
            self._take(event.type, event.code, event.value)
        self.moved.emit(self._state.twist)

    def _take(self, kind: int, code: int, value: int) -> None:
        assert self._device is not None
        ecodes = self._evdev.ecodes
        if isinstance(self._state, CapState) and kind != ecodes.EV_ABS:
            self._take_cap(self._state, kind, code, value)
        elif kind == ecodes.EV_ABS:
            bounds = self._device.absinfo(code)
            self._state.take(str(ecodes.ABS[code]), value, bounds.min, bounds.max)
        elif kind == ecodes.EV_KEY and code == ecodes.BTN_TL:
            self._state.armed = bool(value)
        elif kind == ecodes.EV_KEY and value == 1:
            if code == ecodes.BTN_START:
                self.stop.emit()
            elif self._state.armed and code in (ecodes.BTN_SOUTH, ecodes.BTN_EAST):
                self.gripper.emit(0.0 if code == ecodes.BTN_SOUTH else 1.0)

    def _take_cap(self, cap: CapState, kind: int, code: int, value: int) -> None:
        ecodes = self._evdev.ecodes
        if kind == ecodes.EV_REL:
            cap.take(str(ecodes.REL[code]), value)
            self._silence.start()
        elif kind == ecodes.EV_KEY and code == ecodes.BTN_0:
            cap.armed = bool(value)
        elif kind == ecodes.EV_KEY and code == ecodes.BTN_1 and value == 1 and cap.armed:
            self._opened = not self._opened
            self.gripper.emit(1.0 if self._opened else 0.0)

    def _silent(self) -> None:
        """Treat a cap that has stopped reporting as released."""
        if isinstance(self._state, CapState):
            self._state.let_go()
            self.moved.emit(self._state.twist)

    def _let_go(self) -> None:
        if self._device is not None:
            if self._notifier is not None:
                self._notifier.setEnabled(False)
            self._device.close()
            self._device, self._notifier, self.name = None, None, ""
            self._state, self._known = PadState(), frozenset()
            self.moved.emit(np.zeros(6))
            self.present_changed.emit()


def state_for(capabilities: dict[int, list], ecodes: Any) -> PadState | CapState | None:
    """Return the state object for a device with these keys and axes; None for a mouse, a keyboard or others."""
    keys, relative = capabilities.get(ecodes.EV_KEY, []), capabilities.get(ecodes.EV_REL, [])
    if ecodes.BTN_SOUTH in keys:
        return PadState()
    absolute = [code for code, *_ in capabilities.get(ecodes.EV_ABS, [])]
    six = ecodes.REL_RZ in relative or {ecodes.ABS_RX, ecodes.ABS_RY, ecodes.ABS_RZ} <= set(absolute)
    return CapState() if six and ecodes.BTN_0 in keys else None
