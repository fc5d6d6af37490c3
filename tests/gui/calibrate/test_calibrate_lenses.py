"""Lens step with a camera before which a printed grid is held: real images, real detection, real solver."""

import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cameras.calibration.board import TagBoard, tag_cells
from cameras.calibration.board_view import BoardView
from cameras.calibration.lens_session import LensSession
from cameras.capture import Capture
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from gui.calibrate.lens_presenter import LensPresenter
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from workflows.calibration.tag_boards import lens_grid
from workflows.session import Session
from workflows.settings import ProgramSettings

GRID = lens_grid(ProgramSettings().tags)
LENS = Intrinsics(640, 480, np.array([[604.0, 0, 322.5], [0, 601.0, 236.0], [0, 0, 1]]), np.zeros(5))
PX_PER_M = 3000.0
LONG = 60_000


def sheet(board: TagBoard) -> tuple[np.ndarray, np.ndarray]:
    """Return the printed board as an image, and the map (3, 3) from its pixels (u, v, 1) to the board, m."""
    side, border = board.tag_size, 2 * board.gap
    low = np.min([corners.min(axis=0) for corners in board.corners.values()], axis=0)[:2] - border
    high = np.max([corners.max(axis=0) for corners in board.corners.values()], axis=0)[:2] + border
    wide, tall = np.rint((high - low) * PX_PER_M).astype(int)
    picture = np.full((tall, wide), 255, np.uint8)
    for number, corners in board.corners.items():
        black = ~tag_cells(board.family, number)
        left, top = ((corners[0, :2] - (low[0], high[1])) * PX_PER_M * (1, -1)).round().astype(int)
        size = round(side * PX_PER_M)
        cells = cv2.resize(black.astype(np.uint8) * 255, (size, size), interpolation=cv2.INTER_NEAREST)
        picture[top : top + size, left : left + size] = cells
    board_from_pixel = np.array([[1, 0, low[0] * PX_PER_M + 0.5], [0, -1, high[1] * PX_PER_M - 0.5], [0, 0, PX_PER_M]])
    return picture, board_from_pixel / PX_PER_M


SHEET, BOARD_FROM_PIXEL = sheet(GRID)


@dataclass
class GridCamera:
    """Camera that sees the grid at `place` m, tilted by `tilt_deg` about the image's x axis; new noise per image."""

    intrinsics: Intrinsics | None = None
    place: tuple[float, float, float] = (0.0, 0.0, 0.45)
    tilt_deg: float = 0.0
    identity: str = "usb:1"
    name: str = "front"
    fps: float = 20.0
    size: tuple[int, int] = (640, 480)
    number: int = 0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, timeout: float) -> Frame:
        time.sleep(0.05)
        self.number += 1
        turn = Rotation.from_euler("x", self.tilt_deg, degrees=True).as_matrix() @ np.diag([1.0, -1.0, -1.0])
        homography = LENS.K @ np.column_stack([turn[:, :2], self.place]) @ BOARD_FROM_PIXEL
        seen = cv2.warpPerspective(SHEET, homography, self.size, flags=cv2.INTER_AREA, borderValue=128)
        noisy = seen + np.random.default_rng(self.number).normal(0.0, 2.0, seen.shape)
        rgb = np.repeat(noisy.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
        return Frame(self.identity, self.number, time.monotonic(), rgb)


@pytest.fixture
def bench(qapp, qtbot):
    """A camera before which the grid is held, and the lens step."""
    camera = GridCamera()
    session, jobs = Session(ProgramSettings()), Jobs()
    connection = Connection(session, jobs)
    session.names["usb:1"] = "front"
    session.captures["usb:1"] = capture = Capture(camera)
    lenses = LensPresenter(connection, jobs)
    yield camera, lenses
    lenses.end()
    jobs.close()
    connection.close()
    capture.close()


def views(lenses: LensPresenter) -> int:
    session = lenses.sessions.get("usb:1")
    return 0 if session is None else len(session.views)


def held(bench, qtbot, place, tilt_deg) -> None:
    """Hold the grid still until the step has seen it there."""
    camera, lenses = bench
    had = views(lenses)
    camera.place, camera.tilt_deg = place, tilt_deg
    qtbot.waitUntil(lambda: views(lenses) > had, timeout=LONG)


def test_views_come_by_themselves_and_it_says_what_is_missing(bench, qtbot):
    _, lenses = bench
    lenses.begin()
    assert lenses.estimated("usb:1") and not lenses.complete and lenses.missing("usb:1") is None
    held(bench, qtbot, (0.0, 0.0, 0.45), 0.0)
    qtbot.waitUntil(lambda: "much like a view" in lenses.reasons["usb:1"], timeout=LONG)  # it is still held there
    assert views(lenses) == 1
    held(bench, qtbot, (0.02, 0.0, 0.9), 0.0)
    held(bench, qtbot, (0.0, 0.0, 0.5), 40.0)
    missing = lenses.missing("usb:1")
    assert missing.distance_ratio == pytest.approx(2.0, rel=0.1) and missing.tilt_deg == pytest.approx(40.0, abs=6.0)
    assert missing.views == 3 and not missing.complete and lenses.next_to_solve is None


def test_a_lens_that_the_camera_knows_is_checked_with_three_views(bench, qtbot):
    camera, lenses = bench
    camera.intrinsics = LENS
    lenses.begin()
    assert lenses.lens("usb:1") is LENS and lenses.complete
    for place, tilt_deg in (((0.0, 0.0, 0.45), 0.0), ((0.03, 0.0, 0.8), 25.0), ((-0.03, 0.0, 0.5), -35.0)):
        held(bench, qtbot, place, tilt_deg)
    qtbot.waitUntil(lambda: "usb:1" in lenses.checks, timeout=LONG)
    assert lenses.checks["usb:1"].ok and lenses.checks["usb:1"].rms_px < 0.6
    lenses.find_out("usb:1", True)
    assert lenses.lens("usb:1") is None and not lenses.complete and views(lenses) == 0
    lenses.find_out("usb:1", False)
    assert lenses.complete


def test_enough_views_give_the_lens(bench, qtbot):
    _, lenses = bench
    lenses.sessions["usb:1"] = seen_everywhere()
    assert lenses.next_to_solve == "usb:1"
    lenses.solve("usb:1")
    qtbot.waitUntil(lambda: not lenses.busy, timeout=LONG)
    found = lenses.lens("usb:1")
    assert lenses.results["usb:1"].ok and lenses.complete and lenses.next_to_solve is None
    assert np.abs(found.K - LENS.K).max() < 3.0  # px, of a focal length of 600


def seen_everywhere() -> LensSession:
    """Return computed views of the grid that cover everything required."""
    generator = np.random.default_rng(0)
    session = LensSession(GRID, 640, 480)
    while not session.missing.complete:
        depth = generator.uniform(0.25, 0.7)
        place = [generator.uniform(-0.5, 0.5) * depth, generator.uniform(-0.38, 0.38) * depth, depth]
        turn = Rotation.from_rotvec(generator.normal(0.0, 0.35, 3) * [1, 1, 0.2]).as_matrix() @ np.diag([1, -1, -1])
        points = GRID.points(GRID.ids).reshape(-1, 3) @ turn.T + np.array(place)
        corners = ((points / points[:, 2:]) @ LENS.K.T)[:, :2].reshape(-1, 4, 2)
        corners = corners + generator.normal(0.0, 0.1, corners.shape)
        whole = ((corners > 0) & (corners < [639, 479])).all(axis=(1, 2))
        view = BoardView(tuple(np.array(GRID.ids)[whole].tolist()), corners[whole], 640, 480)
        if session.consider(view).useful:
            session = session.added(view)
    return replace(session)
