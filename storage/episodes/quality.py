"""Quality checks of an episode, as findings with a message each."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from storage.episodes.documents import FoundQuality, NewEpisode, PlaceSeen, ViewSpec
from storage.episodes.samples import trajectory

NOTICE, BAD = 1, 2
DROPPED_SHARE = 0.01  # of the frames: more marks the episode
GAP = 1.0  # s without a frame: slow cameras and busy machines cause less
FROZEN_FOR = 0.4  # s of identical images, as in the live view
STILL_SPEED = 0.005  # m/s
STILL_TURN = 0.05  # rad/s
IDLE_SHARE = (0.4, 0.7)
JERK = 40.0  # m/s^3 at the tool, 95th percentile; the arm's own plans stay below 20
CELL = 0.05  # m: edge of the cubes that workspace coverage is counted in
_FARTHEST = 100.0  # m from the arm's base: values of other programs' files beyond are invalid
OLD_CALIBRATION = 30.0  # days: mounts creep, lenses get touched
_JERK_WINDOW = 13  # samples at 100 Hz: 5 Hz is resolved, and 0.1 mm of noise causes less than 10 m/s^3


@dataclass(frozen=True, eq=False)
class EpisodeData:
    """Input of the checks: frames per view and samples, as recorded (`finalize.FRAME`, `samples.SAMPLE`)."""

    new: NewEpisode
    duration_s: float
    frames: list[np.ndarray]
    samples: np.ndarray
    damage: str = ""


def examine(data: EpisodeData) -> tuple[FoundQuality, ...]:
    """Run all checks independently."""
    found = [FoundQuality("damaged", BAD, 1.0, data.damage)] if data.damage else []
    for spec, frames in zip(data.new.views, data.frames, strict=True):
        found += _gap(spec.name, frames, data.duration_s)
        found += _dropped(spec.name, frames) + _frozen(spec.name, frames) + _sync(spec.name, frames, data.samples)
        found += _place(spec)
    found += _arm(data.samples) + _out_of_view(data)
    return tuple(found)


def coverage(samples: np.ndarray) -> tuple[str, ...]:
    """Return the cubes of CELL edge that the tool passed through, each as "i,j,k"."""
    known = np.isfinite(samples["tool"]).all(axis=1) & (np.abs(samples["tool"][:, :3]).max(axis=1) < _FARTHEST)
    cells = np.unique(np.floor(samples["tool"][known, :3] / CELL).astype(int), axis=0)
    return tuple(f"{i},{j},{k}" for i, j, k in cells)


def idle_ends(samples: np.ndarray) -> tuple[float, float]:
    """Return start and end of the motion, s since the episode's start, as a trim proposal; (0, 0) without motion."""
    moving = ~_still(samples) if len(samples) > 2 else np.zeros(0, bool)
    if not moving.any():
        return 0.0, 0.0
    times = samples["time"][moving]
    return float(times[0]), float(times[-1])


def _dropped(name: str, frames: np.ndarray) -> list[FoundQuality]:
    if not len(frames):
        return [FoundQuality("no film", BAD, 0.0, f"The camera {name} gave no pictures.")]
    missing = int(np.maximum(np.diff(frames["number"]) - 1, 0).sum())
    share = missing / (missing + len(frames))
    if share <= DROPPED_SHARE:
        return []
    return [FoundQuality("dropped frames", BAD, share, f"The camera {name} lost {missing} pictures ({share:.1%}).")]


def _gap(name: str, frames: np.ndarray, duration_s: float) -> list[FoundQuality]:
    """Check the longest time without a frame, also before the first and after the last."""
    if not len(frames):
        return []  # already reported
    times = np.concatenate([[0.0], frames["time"], [duration_s]])
    longest = int(np.argmax(np.diff(times)))
    seconds = float(times[longest + 1] - times[longest])
    if seconds < GAP:
        return []
    sentence = f"The camera {name} gave no picture for {seconds:.1f} s, from {times[longest]:.1f} s on."
    return [FoundQuality("no pictures for a while", BAD, seconds, sentence)]


def _frozen(name: str, frames: np.ndarray) -> list[FoundQuality]:
    if len(frames) < 2:
        return []
    # The longest run of frames that each repeat the previous one.
    fresh = np.flatnonzero(frames["repeated"] == 0)
    ends = np.append(fresh[1:], len(frames)) - 1
    longest = float((frames["time"][ends] - frames["time"][fresh]).max()) if len(fresh) else 0.0
    if longest < FROZEN_FOR:
        return []
    return [FoundQuality("frozen frames", BAD, longest, f"The camera {name} repeated one picture for {longest:.1f} s.")]


def _sync(name: str, frames: np.ndarray, samples: np.ndarray) -> list[FoundQuality]:
    """Check that each frame has a sample within half a frame period."""
    if len(frames) < 2 or not len(samples):
        return []
    times = samples["time"]
    after = np.clip(np.searchsorted(times, frames["time"]), 0, len(times) - 1)
    gap = np.minimum(abs(times[after] - frames["time"]), abs(times[np.maximum(after - 1, 0)] - frames["time"]))
    worst, half = float(np.percentile(gap, 99)), 0.5 * float(np.median(np.diff(frames["time"])))
    if worst <= half:
        return []
    sentence = f"Pictures of the camera {name} and the arm's samples lie up to {1000 * worst:.0f} ms apart."
    return [FoundQuality("sync error", BAD, worst, sentence)]


def _place(spec: ViewSpec) -> list[FoundQuality]:
    """Check how far a calibrated camera had moved, and the age of its calibration."""
    place, calibration = spec.place, spec.calibration
    if place is None or calibration is None:
        return []
    found = _moved(spec.name, place)
    days = (datetime.fromisoformat(place.at) - datetime.fromisoformat(calibration.made_at)).total_seconds() / 86_400
    if days > OLD_CALIBRATION:
        sentence = f"The camera {spec.name} was calibrated {days:.0f} days before."
        found.append(FoundQuality("old calibration", NOTICE, days, sentence))
    return found


def _moved(name: str, place: PlaceSeen) -> list[FoundQuality]:
    if place.light == "unknown":
        sentence = f"Whether the camera {name} still stood where it was calibrated could not be seen."
        return [FoundQuality("place not checked", NOTICE, 0.0, sentence)]
    if place.light not in ("yellow", "red"):
        return []
    level = BAD if place.light == "red" else NOTICE
    shift = "" if place.shift_mm is None else f" by about {place.shift_mm:.1f} mm"
    knowing = f" {place.acknowledged_by} recorded all the same." if place.acknowledged_by else ""
    sentence = f"The camera {name} had moved{shift} since it was calibrated.{knowing}"
    return [FoundQuality("camera moved", level, place.shift_mm or 0.0, sentence)]


def _arm(samples: np.ndarray) -> list[FoundQuality]:
    if len(samples) < 10:
        return [FoundQuality("no arm", BAD, float(len(samples)), "There are no samples of the arm.")]
    found = []
    if (errors := samples["error"][samples["error"] > 0]).size:
        found.append(FoundQuality("arm error", BAD, float(errors[0]), f"The arm reported error C{errors[0]}."))
    openness = samples["openness"][np.isfinite(samples["openness"])]
    if not len(openness) or np.ptp(openness) < 0.05:
        found.append(FoundQuality("gripper never moves", NOTICE, 0.0, "The gripper never moves."))
    idle = float(_still(samples).mean())
    if idle > IDLE_SHARE[0]:
        level = BAD if idle > IDLE_SHARE[1] else NOTICE
        found.append(FoundQuality("idle", level, idle, f"The arm stands still for {idle:.0%} of the time."))
    jerk = _jerk(samples)
    if jerk > JERK:
        found.append(FoundQuality("jerk", NOTICE, jerk, f"The motion is jerky ({jerk:.0f} m/s³)."))
    return found


def _still(samples: np.ndarray) -> np.ndarray:
    """Return (n,) bool: neither tool nor gripper moves, over a tenth of a second."""
    time, tool = samples["time"], samples["tool"]
    step = max(round(0.1 / max(float(np.median(np.diff(time))), 1e-3)), 1)
    ahead = np.minimum(np.arange(len(time)) + step, len(time) - 1)
    behind = np.maximum(np.arange(len(time)) - step, 0)
    dt = np.maximum(time[ahead] - time[behind], 1e-6)
    speed = np.linalg.norm(tool[ahead, :3] - tool[behind, :3], axis=1) / dt
    same = np.clip(np.abs((tool[ahead, 3:] * tool[behind, 3:]).sum(axis=1)), 0.0, 1.0)
    grip = np.abs(np.nan_to_num(samples["openness"][ahead] - samples["openness"][behind])) / dt
    return (speed < STILL_SPEED) & (2.0 * np.arccos(same) / dt < STILL_TURN) & (grip < 0.05)


def _jerk(samples: np.ndarray) -> float:
    """Return the 95th percentile of the tool's jerk in m/s^3, over windows of 0.13 s."""
    known = np.isfinite(samples["tool"]).all(axis=1)
    time, position = samples["time"][known], samples["tool"][known, :3]
    if len(time) < 30 or time[-1] - time[0] < 0.5:
        return 0.0
    rate = 100.0
    even = np.arange(time[0], time[-1], 1.0 / rate)
    at = np.stack([np.interp(even, time, position[:, axis]) for axis in range(3)], axis=1)
    if len(at) <= _JERK_WINDOW:
        return 0.0
    # Savitzky and Golay (1964): third derivative of the least-squares quartic of a window, as one convolution.
    offsets = (np.arange(_JERK_WINDOW) - _JERK_WINDOW // 2) / rate
    weights = 6.0 * np.linalg.pinv(np.vander(offsets, 5, increasing=True))[3]
    third = np.stack([np.convolve(at[:, axis], weights[::-1], "valid") for axis in range(3)], axis=1)
    return float(np.percentile(np.linalg.norm(third, axis=1), 95))


def _out_of_view(data: EpisodeData) -> list[FoundQuality]:
    """Check how long no calibrated camera sees the tool; lens distortion is negligible here."""
    cameras = [view.calibration.camera(view.name) for view in data.new.views if view.calibration is not None]
    motion = trajectory(data.samples)
    if not cameras or motion is None:
        return []
    points = motion.base_from_tool[:, :3, 3]
    unseen = ~np.any([camera.sees(camera.project(points)) for camera in cameras], axis=0)
    share = float(unseen.mean())
    if share < 0.02:
        return []
    level = BAD if share > 0.2 else NOTICE
    return [FoundQuality("tool out of view", level, share, f"No camera sees the tool for {share:.0%} of the time.")]
