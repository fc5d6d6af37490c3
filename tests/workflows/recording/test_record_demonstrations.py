"""The lab's demonstrator, recorded: in virtual time, as a user types it, and with instructions it cannot parse."""

import json

import numpy as np
import pytest

from main import main
from simulation.bench.randomise import scene_for
from simulation.errors import SimulationError
from storage.episodes.episode import Episode
from storage.library import Library
from storage.queries import page
from workflows import settings as program_settings
from workflows.recording.demonstrations import ImpossibleError, on_new_benches
from workflows.recording.recorder import RecordError, RecordRequest
from workflows.recording.virtual_time import record_in_virtual_time
from workflows.settings import LabSettings, ProgramSettings

SMALL = LabSettings(picture_px=(160, 120))
REACH = RecordRequest("reach the red cube", "demonstrator", "Kim")


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    """One demonstration, recorded in virtual time: the library's folder and the printed output."""
    folder = tmp_path_factory.mktemp("demonstrated")
    with Library(folder) as library:
        return folder, record_in_virtual_time(library, REACH, 1, seed=7, lab=SMALL, least_free=0)[0]


def test_the_lab_s_judge_says_whether_it_worked(demonstrated):
    folder, demonstration = demonstrated
    with Library(folder) as library:
        (row,) = page(library.database).rows
    assert row.id == demonstration.kept.id and row.success is True and row.note == demonstration.reason
    assert "red cube" in row.note and (row.source, row.simulated, row.operator) == ("demonstrator", True, "Kim")
    assert row.dropped == 0 and not row.damage


def test_every_frame_and_sample_of_virtual_time_is_there(demonstrated):
    folder, demonstration = demonstrated
    episode = Episode(folder / "episodes" / str(demonstration.kept.id))
    fps = episode.views[0].fps
    for frames in episode.frames:
        assert np.diff(frames["number"]).tolist() == [1] * (len(frames) - 1)
        np.testing.assert_allclose(np.diff(frames["time"]), 1.0 / fps, atol=0.0101)  # steps of the robot loop
    periods = np.diff(episode.samples["time"])
    np.testing.assert_allclose(periods, 0.01, atol=0.0021)  # the controller's own cycles are of 4 ms
    assert periods.mean() == pytest.approx(0.01, abs=1e-4)
    assert episode.facts.duration_s == pytest.approx(demonstration.kept.duration_s)


def test_what_is_stored_shows_the_tool_at_the_cube(demonstrated):
    """Check that the last pose and the stored calibration lead to the object, whose position the lab knows."""
    folder, demonstration = demonstrated
    episode = Episode(folder / "episodes" / str(demonstration.kept.id))
    scene = scene_for(REACH.instruction, 7, size=SMALL.picture_px)
    cube = np.array([*scene.object("red cube").position, 0.02])
    assert episode.trajectory is not None
    tool = episode.trajectory.base_from_tool[-1][:3, 3]
    assert np.linalg.norm(tool[:2] - cube[:2]) < 0.03
    for view, spec in enumerate(scene.cameras):
        camera, calibration = episode.camera(view), episode.calibration(view)
        assert camera is not None and calibration is not None and calibration.lens.distortion == spec.distortion
        np.testing.assert_allclose(camera.project(cube), spec.camera.project(cube), atol=1e-6)


def test_the_command_prints_one_object_and_keeps_the_episodes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    program_settings.save(ProgramSettings(lab=SMALL))
    folder = tmp_path / "library"
    arguments = ["--task", "reach the red cube", "--episodes", "1", "--seed", "8", "--library", str(folder)]
    assert main(["record", *arguments, "--source", "demonstrator", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["kept"] == 1 and result["library"] == str(folder) and "Demonstration 1 of 1" in err
    (told,) = result["episodes"]
    assert told["seed"] == 8 and told["frames"] > 20 and told["samples"] > 100
    with Library(folder) as library:
        assert [str(row.id) for row in page(library.database).rows] == [told["id"]]


def test_an_instruction_the_lab_does_not_know_is_said_and_nothing_is_kept(tmp_path, capsys):
    folder = tmp_path / "library"
    assert main(["record", "--task", "boil an egg", "--library", str(folder)]) == 1
    assert "does not understand" in capsys.readouterr().err
    with Library(folder) as library:
        assert page(library.database).rows == () and not library.notices
        with pytest.raises(SimulationError, match="egg"):
            record_in_virtual_time(library, RecordRequest("boil an egg", "demonstrator"), 1)


def test_an_instruction_of_ten_kilobytes_is_refused_in_one_short_sentence(tmp_path, capsys):
    arguments = ["record", "--task", "pick up the red cube " * 500, "--source", "demonstrator", "--library"]
    assert main([*arguments, str(tmp_path / "library"), "--json"]) == 1
    said = capsys.readouterr()
    assert not said.out and "too long" in said.err and len(said.err) < 300


def test_impossible_benches_are_passed_over_until_they_are_too_many():
    asked = []

    def one(seed: int):
        asked.append(seed)
        if seed % 2:
            raise ImpossibleError("The arm does not reach so far.")
        return seed

    assert on_new_benches(one, 3, 4) == [4, 6, 8] and asked == [4, 5, 6, 7, 8]  # type: ignore[arg-type]

    def never(_: int):
        raise ImpossibleError("The arm does not reach so far.")

    with pytest.raises(RecordError, match="does not reach so far"):
        on_new_benches(never, 1, 0)
