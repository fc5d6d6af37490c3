"""Calibrations in the library: kept with their inputs, listed, chosen, deleted, damaged, and solved again."""

import json
import uuid
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.scenes import case
from cameras.calibration.drift import BenchSight
from storage.calibration_choices import calibration_choices
from storage.errors import DamagedFileError, NotFoundError
from storage.library import Library
from workflows.calibration.calibrate import Delay, report_with_delays, solve
from workflows.calibration.store import activate, active, camera_document, delete, load, save, versions


@pytest.fixture(scope="module")
def solved():
    session = case(5, poses=14, cameras=2).session
    session = replace(
        session,
        delays={"lab:left": Delay(0.03, 0.001, 50)},
        bench={"lab:left": BenchSight({2: np.arange(8.0).reshape(4, 2)}, 0.07)},
    )
    return session, report_with_delays(solve(session), session)


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path) as library:
        yield library


def test_a_calibration_comes_back_with_all_its_inputs_and_solves_to_the_same(library, solved):
    session, report = solved
    stored = load(library, save(library, session, report))
    assert stored.report.verdict is report.verdict and stored.report.sentence == report.sentence
    assert stored.session.board == session.board and len(stored.session.observations) == len(session.observations)
    np.testing.assert_array_equal(stored.session.bench["lab:left"].corners[2], np.arange(8.0).reshape(4, 2))
    again = solve(stored.session)
    for each in report.cameras:
        np.testing.assert_allclose(again.camera(each.identity).base_from_camera, each.base_from_camera, atol=1e-7)
        np.testing.assert_array_equal(stored.report.camera(each.identity).residuals_px, each.residuals_px)
    left = stored.cameras["lab:left"]
    assert left.delay_s == 0.03 and left.error_mm == pytest.approx(report.camera("lab:left").held_out_mm)
    document = camera_document(stored, "lab:left")
    assert document.id == str(left.calibration_id) and document.delay_s == 0.03 and document.kind == "calibration"


def test_the_newest_is_active_until_another_is_chosen(library, solved):
    assert active(library) is None and versions(library) == []
    first, second = save(library, *solved), save(library, *solved)
    assert [(each.id, each.active) for each in versions(library)] == [(second, True), (first, False)]
    activate(library, first)
    found = active(library)
    assert found is not None and found.id == first
    assert {choice.camera for choice in calibration_choices(library.database)} == {"left", "right"}
    activate(library, None)
    assert active(library) is None


def test_a_deleted_one_is_neither_listed_nor_active(library, solved):
    first, second = save(library, *solved), save(library, *solved)
    delete(library, second)
    assert [each.id for each in versions(library)] == [first]
    assert active(library) is None
    assert len(calibration_choices(library.database)) == 2


def test_it_is_there_for_the_next_program(tmp_path, solved):
    with Library(tmp_path) as library:
        saved = save(library, *solved)
    with Library(tmp_path) as library:
        found = active(library)
    assert found is not None and found.id == saved


def test_a_damaged_or_missing_one_is_said_to_be(library, solved):
    saved = save(library, *solved)
    path = library.folder / "calibrations" / str(saved) / "calibration.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "session": {"board": 3}}))
    with pytest.raises(DamagedFileError, match="calibrate again"):
        load(library, saved)
    assert "cannot be read" in versions(library)[0].note
    path.write_text("{")
    with pytest.raises(DamagedFileError):
        active(library)
    with pytest.raises(NotFoundError, match="no longer"):
        load(library, uuid.uuid4())
