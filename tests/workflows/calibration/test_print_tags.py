"""Printed sheets of a calibration, and boards described with their measured printed size."""

import json

import pytest
from test_commands import rehearse

from cameras.calibration.board import BENCH_TAG_IDS, GRIPPER_BOARD
from workflows.calibration.print_tags import as_text, print_tags, sheets
from workflows.calibration.tag_boards import bench_tag_size, gripper_board, lens_grid
from workflows.settings import TagSettings


@pytest.mark.parametrize("family", ["tag36h11", "tag25h9", "tag16h5"])
def test_no_tag_is_on_two_sheets_and_everything_fits_on_a4(tmp_path, family):
    printed = print_tags(tmp_path / "tags.pdf", TagSettings(family))
    tags = [number for page in printed["pages"] for number in page["tags"]]
    assert len(tags) == len(set(tags))
    assert printed["pages"][1]["tags"] == list(BENCH_TAG_IDS)
    assert "at 100 %" in as_text(printed)


def test_the_usual_board_is_the_labs():
    assert gripper_board(TagSettings()) == GRIPPER_BOARD


def test_a_ruler_of_99_mm_makes_everything_smaller_but_not_what_is_sent_to_the_printer():
    shrunk = TagSettings(measured_mm=99.0)
    assert gripper_board(shrunk).tag_size == pytest.approx(0.0495)
    assert lens_grid(shrunk).gap == pytest.approx(0.99 * lens_grid(TagSettings()).gap)
    assert bench_tag_size(shrunk) == pytest.approx(0.0594)
    assert sheets(shrunk) == sheets(TagSettings())


def test_large_bench_tags_have_a_page_each():
    pages = sheets(TagSettings(bench_tag_mm=120.0), grid=False)
    assert [page.title for page in pages] == ["Board for the gripper", *["Tags for the bench"] * 4]


def test_the_command_writes_the_file(tmp_path):
    file = tmp_path / "tags.pdf"
    done = rehearse("calibrate", "--print", str(file), "--paper", "Letter", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["paper"] == "Letter" and file.read_bytes().startswith(b"%PDF")
    done = rehearse("calibrate", "--print", str(file), "--paper", "B7")
    assert done.returncode == 1 and done.stderr.startswith("There is no paper B7")
