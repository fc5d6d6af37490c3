"""Files of older versions of the program still open: a model folder, a library, a calibration, settings."""

import contextlib
import json
import uuid
import zipfile
from pathlib import Path

import numpy as np
import pytest

from storage import queries
from storage.episodes.episode import Episode
from storage.library import Library
from storage.rehearsal_list import rehearsals
from workflows import settings
from workflows.calibration import store
from workflows.calibration.calibrate import solve

SAVED = sorted((Path(__file__).parent / "saved").glob("*.zip"), key=lambda path: path.stem)


@pytest.fixture(params=SAVED, ids=lambda path: path.stem)
def saved(request, tmp_path):
    """The files of that version, unpacked."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_a_model_folder_that_names_classes_by_older_modules(saved):
    from model.generation.loading import load_pipeline

    named = json.loads((saved / "model" / "model_index.json").read_text())
    pipeline = load_pipeline(saved / "model")
    for part in ("transformer", "vae", "frame_decoder"):
        assert type(getattr(pipeline, part)).__name__ == named[part][1]


def test_the_model_that_comes_with_the_program_too():
    from model.checkpoints.class_aliases import with_present_modules
    from model.checkpoints.default_weights import EMBEDDED_FOLDER

    index = with_present_modules(json.loads((EMBEDDED_FOLDER / "model_index.json").read_text()))
    assert index["transformer"] == ["model.networks.transformer", "ActionImagesTransformer"]
    assert index["scheduler"][0] == "diffusers"


def test_a_library_with_an_episode_and_a_rehearsal(saved):
    with Library(saved / "library") as library:
        (row,) = queries.page(library.database).rows
        assert row.instruction == "pick up the red cube" and row.operator == "Ada"
        episode = Episode(library.episode_folder(row.id))
        assert len(episode.samples) > 50 and len(episode.views) == 2
        assert episode.trajectory is not None and episode.camera(0) is not None
        with contextlib.closing(episode.film(0)) as film:
            assert film.frame(3).shape == (64, 96, 3)
        (rehearsal,) = rehearsals(library.database)
        assert rehearsal.approved_by == "Grace" and rehearsal.success is True


def test_a_calibration_with_its_inputs(saved):
    with Library(saved / "library") as library:
        found = store.active(library)
        assert found is not None and isinstance(found.id, uuid.UUID)
        again = solve(found.session)
        for camera in found.report.cameras:
            place = again.camera(camera.identity).base_from_camera
            np.testing.assert_allclose(place, camera.base_from_camera, atol=1e-6)


def test_settings(saved):
    found, problem = settings.load(saved / "settings.json")
    assert problem is None
    assert (found.arm.kind, found.arm.address, found.arm.gripper) == ("real", "192.168.1.217", False)
    assert found.cameras == (settings.CameraChoice("usb:1-2", "Left"),)
    assert (found.lab.seed, found.lab.picture_px, found.tags.measured_mm) == (7, (320, 240), 99.5)
    assert found.workspace.high == (0.7, 0.5, 0.9) and found.hold_to_run and found.operator == "Ada"
