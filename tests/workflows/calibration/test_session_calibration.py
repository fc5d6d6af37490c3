"""A session takes its cameras' poses from the stored calibration, checks whether they still hold, and reports it."""

from dataclasses import replace

import numpy as np
import pytest
from calibrate_pieces import as_if_moved, computed_session
from patience import PATIENT

from storage.library import Library
from workflows.calibration import store
from workflows.calibration.calibrate import solve
from workflows.calibration.place_check import GREEN, RED
from workflows.known_cameras import CALIBRATED, SIMULATED_TRUTH
from workflows.recording.sources import views_of
from workflows.session import NotConnectedError, Session
from workflows.settings import LabSettings, ProgramSettings

OTHER_SIZE = (320, 240)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library in which the lab's cameras are calibrated, at their poses in its first scene."""
    folder = tmp_path_factory.mktemp("library")
    session = Session(ProgramSettings(), folder, deadlines=PATIENT)
    session.open()
    try:
        assert {known.kind for known in session.known.values()} == {SIMULATED_TRUTH}
        assert session.stored is None and session.check is None
        gathered = computed_session(session)
    finally:
        session.close()
    with Library(folder) as opened:
        store.save(opened, gathered, solve(gathered))
    return folder


@pytest.fixture
def session(library):
    session = Session(ProgramSettings(lab=LabSettings(true_places=False)), library, deadlines=PATIENT)
    session.open()
    yield session
    session.close()


def test_it_is_used_checked_and_goes_into_what_is_recorded(session):
    assert session.problems == {} and session.stored is not None
    assert {drift.light for drift in session.check.drifts.values()} == {GREEN}
    truth = {f"lab:{spec.name}": spec.camera for spec in session.lab.scene.cameras}
    for identity, known in session.known.items():
        apart = known.camera.base_from_camera[:3, 3] - truth[identity].base_from_camera[:3, 3]
        assert known.kind == CALIBRATED and 1000 * np.linalg.norm(apart) < 5.0
        assert session.intrinsics(identity) is known.intrinsics
    (place,) = [check for check in session.checks() if check.name == "Calibration"]
    assert place.ok and place.sentence == "2 cameras, calibrated"
    specs = [view.spec() for view in views_of(session)]
    stored = session.stored.cameras
    assert [spec.calibration.id for spec in specs] == [str(stored[spec.identity].calibration_id) for spec in specs]
    assert all(spec.place.light == "green" and spec.calibration.kind == CALIBRATED for spec in specs)

    session.use(replace(session.stored, session=as_if_moved(session.stored.session, "lab:right", 8.0)))
    assert session.check.drifts["lab:right"].light == RED
    with pytest.raises(NotConnectedError, match="The camera right does not stand where it stood"):
        session.take_scene()
    assert not session.checks()[-1].ok
    session.check = session.check.acknowledged("Kim")
    spec = next(view.spec() for view in views_of(session) if view.name == "right")
    assert (spec.place.light, spec.place.acknowledged_by) == ("red", "Kim")


def test_pictures_of_another_size_are_not_calibrated(library):
    session = Session(
        ProgramSettings(lab=LabSettings(picture_px=OTHER_SIZE, true_places=False)), library, deadlines=PATIENT
    )
    session.open()
    try:
        assert session.stored is not None and session.known == {}
        assert {drift.light for drift in session.check.drifts.values()} <= {"unknown"}
    finally:
        session.close()
