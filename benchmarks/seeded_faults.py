"""Faults seeded into the program, one line each: do the tests catch them? `rehearse benchmark seeded-faults`.

Each fault is written into a copy of the program, where the tests of its subject must fail: one that they let pass is a
promise that nothing holds up.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.checks import Check, say

ROOT = Path(__file__).parents[1]
_FOLDERS = (
    *("benchmarks", "cameras", "foundation", "gui", "model", "packaging", "robot", "simulation", "storage", "tests"),
    "workflows",
)
_AT_ONCE = 2
_WITHIN = 600.0  # s

LIMITER = ("robot/limiter.py", ("tests/robot/test_limiter.py", "tests/robot/test_bounds.py"))
STAGING = ("robot/approval/staging.py", ("tests/robot/test_staging.py", "tests/robot/test_allowance.py"))
RECORDER = ("workflows/recording/recorder.py", ("tests/workflows/recording/test_recorder.py",))
LOG = ("storage/episodes/record_log.py", ("tests/storage/test_files.py", "tests/storage/test_recording.py"))
FINALIZE = ("storage/episodes/finalize.py", ("tests/storage/test_recording.py", "tests/storage/test_files.py"))
DECODING = ("model/action_images/decoding.py", ("tests/model/action_images",))
BLOBS = ("model/action_images/blobs.py", ("tests/model/action_images",))
ENCODING = ("model/action_images/encoding.py", ("tests/model/action_images",))
RIG = (
    "cameras/calibration/rig_solve.py",
    ("tests/cameras/test_rig.py", "tests/workflows/calibration/test_calibrate.py"),
)
CALIBRATE = ("workflows/calibration/calibrate.py", ("tests/workflows/calibration/test_calibrate.py",))
DRIFT = ("cameras/calibration/drift.py", ("tests/cameras/test_drift.py",))
MIGRATION = ("storage/database/migration.py", ("tests/storage/test_database.py",))

# Where, what stands there, and what is written in its place.
FAULTS: tuple[tuple[tuple[str, tuple[str, ...]], str, str], ...] = (
    (LIMITER, "if step > min(settings.tcp_speed * PERIOD, settings.tcp_step) * (1 + _SLACK):", "if step > 1.0:"),
    (LIMITER, "> settings.joint_speed * PERIOD * (1 + 1e-7):", "> settings.joint_speed * PERIOD * 2:"),
    (
        LIMITER,
        "excess = (limits - self._outside_range).max(axis=0)",
        "excess = (limits - self._outside_range).min(axis=0)",
    ),
    (LIMITER, "excess = box.max(axis=0) - self._outside_box", "excess = box.min(axis=0) - self._outside_box"),
    (
        LIMITER,
        "self._outside_box = np.clip(box.max(axis=0), 0.0, self._outside_box)",
        "self._outside_box = self._outside_box + 0.001",
    ),
    (LIMITER, "if np.abs(jerks).max() > settings.joint_jerk:", "if np.abs(jerks).max() > 1e3 * settings.joint_jerk:"),
    (
        LIMITER,
        "if np.abs(within).max() > settings.joint_acceleration or",
        "if np.abs(within).max() > 1e3 * settings.joint_acceleration or",
    ),
    (
        LIMITER,
        "motion.max_acceleration = [settings.joint_acceleration]",
        "motion.max_acceleration = [3 * settings.joint_acceleration]",
    ),
    (LIMITER, "motion.max_jerk = [settings.joint_jerk]", "motion.max_jerk = [30 * settings.joint_jerk]"),
    (
        LIMITER,
        "steps = int(np.ceil(trajectory.duration / PERIOD - 1e-9))",
        "steps = int(np.floor(trajectory.duration / PERIOD))",
    ),
    (
        LIMITER,
        'if not wanted.finite:\n            return "the target is not',
        'if False:\n            return "the target is not',
    ),
    (LIMITER, "self.settings.lower - samples.min(axis=0)", "self.settings.lower - samples.max(axis=0)"),
    (STAGING, "if away > START_ERROR:", "if away > 100 * START_ERROR:"),
    (STAGING, "if not plan.executable:", "if plan.executable is None:"),
    (
        STAGING,
        '        if reason:\n            raise RobotError(f"This plan does not keep',
        '        if False:\n            raise RobotError(f"This plan does not keep',
    ),
    (
        STAGING,
        'self._kept, self._why_empty = None, "Each approval is good for one motion."',
        'self._why_empty = "Each approval is good for one motion."',
    ),
    (STAGING, "if moved > MOVED or turned > TURNED:", "if moved > MOVED and turned > TURNED:"),
    (STAGING, "now >= self._kept.expires:", "now >= self._kept.expires + 1e9:"),
    (STAGING, "secrets.compare_digest(nonce.encode(), kept.nonce.encode())", "len(nonce) == len(kept.nonce)"),
    (STAGING, "if allowed is None or allowed.left < 1:", "if allowed is None:"),
    (STAGING, "if speed > allowed.allowance.speed + 1e-9:", "if speed > allowed.allowance.speed + 1.0:"),
    (STAGING, "self._allowed = allowed.used()", "self._allowed = allowed"),
    (
        RECORDER,
        "            if fault:\n                self._arm.halt()",
        "            if not fault:\n                self._arm.halt()",
    ),
    (
        RECORDER,
        "RecordState.REVIEW if facts.stopped else RecordState.RECORDING",
        "RecordState.RECORDING if facts.stopped else RecordState.REVIEW",
    ),
    (RECORDER, "            self._refuse_trouble()\n            self._begin", "            self._begin"),
    (RECORDER, "            self._let_go()\n            raise", "            raise"),
    (RECORDER, "self.keep(None, _LEFT_OPEN)", "self.discard()"),
    (RECORDER, "fault = writer.failure or self._broken()", "fault = writer.failure"),
    (RECORDER, "            self._facts = before\n            raise", "            raise"),
    (LOG, 'self._write(data + zlib.crc32(data).to_bytes(4, "little"))', "self._write(data + bytes(4))"),
    (LOG, 'return records["record"][:index].copy()', 'return records["record"].copy()'),
    (FINALIZE, "return records[:count]", "return records"),
    (
        FINALIZE,
        'ends = [log["time"][-1] for log in [*frames, samples] if len(log)]',
        'ends = [log["time"][-1] for log in frames if len(log)]',
    ),
    (FINALIZE, 'np.maximum(np.diff(frames["number"]) - 1, 0).sum()', 'np.diff(frames["number"]).sum()'),
    (DECODING, 'valid = np.equal(reasons, "")', "valid = np.ones(len(reasons), bool)"),
    (DECODING, "agrees = distance < AGREES * sightings.kernel", "agrees = distance < 100 * AGREES * sightings.kernel"),
    (DECODING, "return believed * checked / (1.0 + doubt)", "return np.ones_like(doubt)"),
    (DECODING, "start_poses(sightings, found)) <= 0.0", "start_poses(sightings, found)) > 0.0"),
    (DECODING, "> 0.5 * PEDESTAL).astype(float)", "> 1.5 * PEDESTAL).astype(float)"),
    (DECODING, "wide = np.minimum(KERNEL_RESIDUAL * median, widest)", "wide = np.zeros_like(median)"),
    (BLOBS, "good &= (fit.width > NARROWEST) & (fit.width < WIDEST)", "good &= fit.width > 0.0"),
    (BLOBS, "good &= (fit.explained > LEAST_EXPLAINED) & (fit.amplitude > FAINTEST)", "good &= fit.amplitude > 0.0"),
    (ENCODING, "[[0.0, 0, 0], [1, 0, 0], [0, 0, -1]]", "[[0.0, 0, 0], [1, 0, 0], [0, 0, 1]]"),
    (ENCODING, "return bool(np.max(apart) < SMALLEST_BASELINE)", "return False"),
    (RIG, "bad = rms > max(_OUTLIER_PX, _OUTLIER_RATIO * float(np.median(rms)))", "bad = rms > np.inf"),
    (RIG, "return np.minimum(1.0, huber / np.maximum(np.abs(error), 1e-12))", "return np.ones_like(error)"),
    (RIG, "ratio = float(np.median(np.abs(errors)) / 0.6745 / data.pixel_sigma)", "ratio = 10.0"),
    (CALIBRATE, "if slip is not None:", "if False:"),
    (CALIBRATE, "_LEAST_KEPT * len(session.observations)):", "0.0):"),
    (CALIBRATE, "    if wrong is None:\n        return", "    if True:\n        return"),
    (CALIBRATE, "    if wrong_order(data):", "    if False:"),
    (CALIBRATE, "invert(solution.rig.camera_from_base[number]),", "solution.rig.camera_from_base[number],"),
    (CALIBRATE, "if count < LEAST_VIEWS:", "if count < 1:"),
    (DRIFT, "> chi2.isf(FALSE_ALARM / 4, 8)]", "> np.inf]"),
    (DRIFT, "if px < RED_PX and mm < RED_MM:", "if px < RED_PX or mm < RED_MM:"),
    (DRIFT, "/ variance <= chi2.isf(FALSE_ALARM, all_shifts.size):", "/ variance <= np.inf:"),
    (MIGRATION, "if found is not None and found not in _known():", "if False:"),
    (MIGRATION, "for old in copies[:-_KEPT_COPIES]:", "for old in copies[:0]:"),
    (MIGRATION, "kept = _copy(file, before) if file is not None and before is not None else None", "kept = None"),
    (MIGRATION, "return known[known.index(form) + 1 :]", "return known[known.index(form) + 2 :]"),
    (MIGRATION, '"transactional_ddl": True', '"transactional_ddl": False'),
)


@dataclass(frozen=True)
class Seeded:
    """What became of one fault: whether a test failed, and the last lines of what pytest said."""

    number: int
    caught: bool
    said: str


def measure(quick: bool) -> list[Check]:
    """Seed every fault, or every sixth of them, and count those that no test catches."""
    chosen = range(0, len(FAULTS), 6 if quick else 1)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(seeded, chosen))
    passed = [outcome for outcome in outcomes if not outcome.caught]
    for outcome in passed:
        (file, _), old, _ = FAULTS[outcome.number]
        say(f"not caught: {file}: {old.splitlines()[0]}\n{outcome.said}")
    return [Check("seeded_faults", len(outcomes), "", ""), Check("seeded_faults_not_caught", len(passed), "", "= 0")]


def seeded(number: int) -> Seeded:
    """Run the tests of a fault's subject over a copy of the program that has it."""
    (file, tests), old, new = FAULTS[number]
    with _copy() as root:
        source = (root / file).read_text(encoding="utf-8")
        if source.count(old) != 1:
            raise ValueError(f"{file} has {source.count(old)} times, not once: {old}")
        (root / file).write_text(source.replace(old, new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_WITHIN)
    caught = done.returncode == 1  # 1: a test failed; anything else is no answer
    say(f"fault {number}: {'caught' if caught else 'NOT CAUGHT'} in {file}")
    return Seeded(number, caught, done.stdout[-500:] + done.stderr[-500:] if not caught else "")


@contextmanager
def _copy() -> Iterator[Path]:
    """Copy the program's sources into a temporary folder; the weights by a link."""
    with tempfile.TemporaryDirectory(prefix="rehearse-fault-") as folder:
        root = Path(folder)
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
        (root / "model" / "weights").symlink_to(ROOT / "model" / "weights")
        for name in ("main.py", "pyproject.toml"):
            shutil.copy(ROOT / name, root / name)
        yield root
