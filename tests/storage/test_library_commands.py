"""`rehearse export`, `rehearse import` and `rehearse doctor --rebuild-library`."""

import json
from pathlib import Path

import pytest
from recordings import keep_one, new_episode

import main
from storage import queries
from storage.library import Library


def answer(capsys, *arguments: str) -> dict:
    assert main.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_out_of_one_library_and_into_another(tmp_path, capsys):
    one, other, folder = (str(tmp_path / name) for name in ("one", "other", "set"))
    with Library(Path(one)) as library:
        keep_one(library, 0.4, success=True)
        keep_one(library, 0.4, success=False)
        keep_one(library, 0.4, new=new_episode(2, "push the ball"), success=True)
    written = answer(capsys, "export", folder, "--fps", "10", "--success", "--library", one)
    assert written["episodes"] == 2
    read = answer(capsys, "import", folder, "--library", other)
    assert (read["layout"], read["episodes"]) == ("lerobot", 2)
    (tmp_path / "other" / "library.db").unlink()
    assert answer(capsys, "doctor", "--rebuild-library", "--library", other)["episodes"] == 2
    with Library(Path(other)) as library:
        assert {str(i) for i in queries.episode_ids(library.database)} == set(read["ids"])


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["export", "{}/new", "--library", "{}/empty"], "No episode"),
        (["import", "{}/none", "--library", "{}/empty"], "There is no folder"),
        (["import", "{}", "--format", "lerobot", "--library", "{}/empty"], "info.json"),
        (["doctor", "--rebuild-library", "--library", "{}/none"], "There is no library"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, capsys, arguments, said):
    assert main.main([argument.format(tmp_path) for argument in arguments]) == 1
    assert said in capsys.readouterr().err
