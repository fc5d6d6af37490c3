"""Set up: a name that is stored with each recording, and a library that may be elsewhere from the next start on."""

import json

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_hands import click


def test_name_and_folder_are_remembered_and_the_folder_in_use_stays(fresh_virtual_program, qtbot, tmp_path):
    program = fresh_virtual_program
    card, in_use = program.shell.screens["set up"].library, program.session.library_folder
    assert card.folder.text() == str(in_use)
    click(card.name)
    QTest.keyClicks(card.name, "Grace  Hopper")
    QTest.keyClick(card.name, Qt.Key.Key_Return)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    card.use(elsewhere)
    assert card.folder.text() == str(elsewhere) and card.note.text().startswith("Used from the next start")
    assert program.session.settings.operator == "Grace Hopper"
    assert program.session.library_folder == in_use

    def stored():
        text = program.settings_file.read_text() if program.settings_file.exists() else "{}"
        return json.loads(text)

    qtbot.waitUntil(lambda: str(elsewhere) in json.dumps(stored()), timeout=10_000)
    assert "Grace Hopper" in json.dumps(stored())


def test_a_folder_in_which_nothing_can_be_written_is_refused_in_words(fresh_virtual_program, tmp_path):
    program = fresh_virtual_program
    card = program.shell.screens["set up"].library
    before = card.folder.text()
    card.use(tmp_path / "not there")
    assert card.folder.text() == before
    assert "Nothing can be written" in program.messages.log[-1].sentence
