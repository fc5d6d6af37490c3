"""Joint trajectory: joints and gripper openness over time, made by planning and executed by the follower."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline

from foundation import xarm7
from robot.limiter import JointState, standing_at

_REST = [(1, np.zeros(xarm7.JOINTS)), (2, np.zeros(xarm7.JOINTS))]  # velocity and acceleration at both ends


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """Trajectory of `times` (T,) s, strictly rising; `position` (T, 7) rad; `openness` (T,) in [0, 1], 1 = open.

    A quintic spline between the samples, starting and ending at rest, makes position, velocity and acceleration
    consistent. Raises ValueError for anything else.
    """

    times: np.ndarray
    position: np.ndarray
    openness: np.ndarray
    _splines: tuple[BSpline, ...] = field(init=False, repr=False, default=())

    def __post_init__(self):
        for name in ("times", "position", "openness"):
            array = np.array(getattr(self, name), float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        T = len(self.times) if self.times.ndim == 1 else 0
        if T < 1 or self.position.shape != (T, xarm7.JOINTS) or self.openness.shape != (T,):
            raise ValueError(
                f"a joint trajectory needs times (T,), position (T, 7) and openness (T,) with T >= 1, not "
                f"{self.times.shape}, {self.position.shape}, {self.openness.shape}"
            )
        if not all(np.isfinite(array).all() for array in (self.times, self.position, self.openness)):
            raise ValueError("a joint trajectory must be finite throughout")
        if not (np.diff(self.times) > 1e-6).all() or ((self.openness < 0) | (self.openness > 1)).any():
            raise ValueError("the times of a joint trajectory must rise strictly, and openness lie in [0, 1]")
        if T > 1:
            spline = make_interp_spline(self.times, self.position, k=5, bc_type=(_REST, _REST))
            object.__setattr__(self, "_splines", tuple(spline.derivative(n) if n else spline for n in range(3)))

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration(self) -> float:
        """Time from the first to the last sample, s."""
        return float(self.times[-1] - self.times[0])

    def at(self, moment: float) -> JointState:
        """Return the state `moment` s after the start; at rest before the start and after the end."""
        time = self.times[0] + moment
        if not self._splines or time <= self.times[0] or time >= self.times[-1]:
            return standing_at(self.position[0 if time <= self.times[0] else -1])
        return JointState(*(spline(time) for spline in self._splines))

    def samples(self, period: float) -> tuple[np.ndarray, np.ndarray]:
        """Return times (n,) from 0 to the duration, and positions (n, 7) there, about every `period` s."""
        moments = np.linspace(0.0, self.duration, max(2, int(np.ceil(self.duration / period)) + 1))
        if not self._splines:
            return moments, np.repeat(self.position, len(moments), axis=0)
        return moments, self._splines[0](self.times[0] + moments)

    def openness_at(self, moment: float) -> float:
        """Return the openness in [0, 1] `moment` s after the start: the latest sample's, as it is sent in steps."""
        latest = int(np.searchsorted(self.times, self.times[0] + moment + 1e-9, side="right")) - 1
        return float(self.openness[max(latest, 0)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain arrays for a message; `JointTrajectory.from_dict` reads them."""
        return {"times": self.times, "position": self.position, "openness": self.openness}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "JointTrajectory":
        return JointTrajectory(values["times"], values["position"], values["openness"])
