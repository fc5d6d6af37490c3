"""Contact sheet: its images, their order, and that it is written or the reason is given."""

import numpy as np
import pytest
from PIL import Image

from foundation.camera import camera_at
from foundation.trajectory import Scene, Trajectory, View
from workflows.evaluation.contact_sheet import Compared, SheetError, contact_sheet, require_writable, write_png
from workflows.evaluation.reference_video import ReferenceVideo

T, SIDE = 17, 24
SHOWN = [0, 3, 6, 10, 13, 16]
RED, BLUE = 0, 2


def film(instruction: str = "reach the red cube") -> ReferenceVideo:
    """Make frames of one colour each: 15 t of red in view 1 and, with some green, in view 2, where something moves."""
    cameras = tuple(
        camera_at(f"view {i}", SIDE, SIDE, 0.8, (1.0, side, 0.6), (0.4, 0.0, 0.1)) for i, side in ((1, 0.5), (2, -0.5))
    )
    rgb = colours(RED)
    moved = np.zeros(rgb.shape[:-1], bool)
    moved[1, 5:, :4, :4] = True
    poses = np.repeat(np.eye(4)[None], T, axis=0)
    views = tuple(View(camera, first, 0.0) for camera, first in zip(cameras, rgb[:, 0], strict=True))
    scene = Scene(views, np.eye(4), 1.0)
    return ReferenceVideo(7, instruction, scene, Trajectory(0.7 * np.arange(T), poses, np.ones(T)), rgb, moved)


def colours(channel: int) -> np.ndarray:
    rgb = np.zeros((2, T, SIDE, SIDE, 3), np.uint8)
    rgb[..., channel] = 15 * np.arange(T)[None, :, None, None]
    rgb[1, ..., 1] = 100
    return rgb


def places(sheet: np.ndarray, channel: int, frame: int) -> np.ndarray:
    """Return the pixels (n, 2), row and column, of a frame of view 2."""
    colour = np.array([0, 100, 0])
    colour[channel] = 15 * frame
    return np.argwhere((sheet == colour).all(axis=-1))


def test_six_frames_of_both_videos_one_below_the_other():
    one = Compared("reach", film(), colours(BLUE))
    assert one.view == 1 and list(one.shown) == SHOWN
    sheet = contact_sheet([one], "Title")
    for channel in (RED, BLUE):
        found = [places(sheet, channel, frame) for frame in range(1, T)]  # the first is alike in both
        assert [t for t, at in enumerate(found, 1) if len(at)] == SHOWN[1:]
        middles = np.array([at.mean(axis=0) for at in found if len(at)])
        assert all(len(at) in (0, 160 * 160) for at in found)
        assert np.ptp(middles[:, 0]) == 0 and np.allclose(np.diff(middles[:, 1]), 164)
    true, made = (places(sheet, channel, 16).mean(axis=0) for channel in (RED, BLUE))
    assert np.allclose(made - true, (164, 0)) and len(places(sheet, RED, 0)) == 2 * 160 * 160


def test_kinds_stand_side_by_side_each_with_its_words():
    three = [Compared("reach", film(words), colours(BLUE)) for words in ("lift it", "lift it", "put it away")]
    sheet = contact_sheet(three, "Title")
    width = contact_sheet(three[:1], "Title").shape[1]
    assert sheet.shape[1] == 2 * width and len(places(sheet, RED, 16)) == 3 * 160 * 160
    rows = places(sheet, RED, 16)[:, 0]
    first, last = int(rows.min()), int(rows.max()) - 159
    titles = [sheet[y - 60 : y - 25, x : x + width] for y, x in ((first, 0), (first, width), (last, 0))]
    assert np.array_equal(titles[0], titles[1]) and not np.array_equal(titles[0], titles[2])
    assert all(title.min() < 60 for title in titles)


def test_it_is_written_as_it_is_or_a_sentence_says_why_not(tmp_path):
    sheet = contact_sheet([Compared("reach", film(), colours(BLUE))], "Title")
    path = tmp_path / "sheet.png"
    require_writable(path)
    write_png(path, sheet)
    assert np.array_equal(np.asarray(Image.open(path)), sheet)
    for wrong in (tmp_path / "sheet.jpg", tmp_path / "nowhere" / "sheet.png"):
        with pytest.raises(SheetError, match=r"sheet .*\. \w+ .*\."):
            require_writable(wrong)
    taken = tmp_path / "folder.png"
    taken.mkdir()
    with pytest.raises(SheetError, match="cannot be written"):
        write_png(taken, sheet)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["folder.png", "sheet.png"]
