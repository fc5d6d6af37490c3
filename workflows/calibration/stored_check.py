"""Drift check of a stored calibration's cameras, by the tags on the bench."""

from collections.abc import Mapping

from cameras.calibration.drift import BenchSight, Drift, bench_sight, check_drift
from cameras.capture import Capture
from workflows.calibration.drive import take_frames
from workflows.calibration.store import Stored
from workflows.cancellation import Cancellation

FRAMES = 5


def check(
    stored: Stored, captures: Mapping[str, Capture], *, frames: int = FRAMES, token: Cancellation | None = None
) -> dict[str, Drift]:
    """Check each connected camera of the calibration for drift; waits for `frames` frames of each."""
    session = stored.session
    taken = take_frames(session, captures, frames, token or Cancellation())
    found: dict[str, Drift] = {}
    for each in stored.report.cameras:
        pictures = taken.get(each.identity)
        if pictures is None:
            continue
        name = each.name
        if not pictures:
            found[each.identity] = Drift("unknown", f"{name} sends no pictures. Check its cable.")
            continue
        size = (each.intrinsics.width, each.intrinsics.height)
        if pictures[0].size != size:
            words = f"{name} sends {pictures[0].size[0]} x {pictures[0].size[1]} pictures, and was calibrated with "
            found[each.identity] = Drift("unknown", f"{words}{size[0]} x {size[1]}. Choose that size again.")
            continue
        reference = session.bench.get(each.identity, BenchSight())
        ids = tuple(reference.corners)
        now = bench_sight([picture.rgb for picture in pictures], session.board.family, ids)
        found[each.identity] = check_drift(reference, now, each.intrinsics, session.bench_tag_size)
    return found
