"""Observations of a calibration of the lab's cameras, computed from the ground truth, so that the arm need not move."""

from dataclasses import replace

import numpy as np

from benchmarks.calibration.scenes import CORNER_NOISE_PX, seen_corners
from cameras.calibration.board import BENCH_TAG_IDS, GRIPPER_BOARD
from cameras.calibration.board_view import BoardView
from foundation import xarm7
from foundation.poses import invert
from workflows.calibration.calibrate import CalibrationSession, CameraEntry, Observation
from workflows.calibration.drive import see_bench
from workflows.calibration.poses import NOMINAL_MOUNT, propose_poses
from workflows.session import Session


def computed_session(session: Session, poses: int = 16, *, board_factor: float = 1.0) -> CalibrationSession:
    """Compute a session of the lab's cameras with `poses` observed poses, and the bench's tags as they are seen now.

    `board_factor`: how much larger than described the board really is.
    """
    assert session.lab is not None
    specs = {f"lab:{spec.name}": spec for spec in session.lab.scene.cameras}
    entries = []
    for identity in specs:
        lens = session.captures[identity].driver.intrinsics
        assert lens is not None
        entries.append(CameraEntry(identity, session.names[identity], lens))
    cameras = {identity: spec.camera for identity, spec in specs.items()}
    generator = np.random.default_rng(4)
    described = GRIPPER_BOARD.resized(1.0 / board_factor)
    gathered = CalibrationSession(described, tuple(entries))
    for proposal in propose_poses(cameras, GRIPPER_BOARD, xarm7.HOME, count=poses):
        base_from_board = xarm7.forward(proposal.joints) @ NOMINAL_MOUNT
        views = {}
        for identity, spec in specs.items():
            corners = seen_corners(spec, invert(np.array(spec.base_from_camera)) @ base_from_board)
            if corners is not None:
                noisy = corners + generator.normal(0.0, CORNER_NOISE_PX, corners.shape)
                views[identity] = BoardView(GRIPPER_BOARD.ids, noisy, spec.width, spec.height)
        gathered = gathered.added(Observation(proposal.joints, xarm7.forward(proposal.joints), views))
    return see_bench(gathered, session.captures, BENCH_TAG_IDS)


def as_if_moved(gathered: CalibrationSession, identity: str, shift_px: float) -> CalibrationSession:
    """Return the same session, as if this camera had seen the bench's tags elsewhere when it was calibrated."""
    sight = gathered.bench[identity]
    corners = {number: pixels + np.array([shift_px, 0.0]) for number, pixels in sight.corners.items()}
    return replace(gathered, bench={**gathered.bench, identity: replace(sight, corners=corners)})
