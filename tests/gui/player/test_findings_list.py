"""List of findings: the most severe first, each leads to its frame."""

import pytest
from PySide6.QtCore import Qt

from gui.player.findings_list import FindingsList, summary
from robot.planning.findings import Finding, Level

NOTE = Finding(Level.NOTE, "The motion was slowed down.", None)
WARNING = Finding(Level.WARNING, "The gripper comes close to the table.", 2)
REFUSAL = Finding(Level.REFUSAL, "The arm cannot reach this.", 3)
MOMENTS = [1.0, 1.5, 2.25, 4.0]


@pytest.fixture
def findings(qtbot):
    findings = FindingsList()
    qtbot.addWidget(findings)
    findings.resize(400, 200)
    findings.show()
    return findings


def test_the_gravest_comes_first_with_its_moment(findings):
    findings.show_findings([NOTE, WARNING, REFUSAL], MOMENTS)
    assert [row.finding for row in findings.rows] == [REFUSAL, WARNING, NOTE]
    assert [row.button.text() if row.button else None for row in findings.rows] == ["3.0 s", "1.2 s", None]


def test_a_click_asks_for_the_frame(findings, qtbot):
    findings.show_findings([NOTE, WARNING, REFUSAL], MOMENTS)
    asked = []
    findings.asked.connect(asked.append)
    qtbot.mouseClick(findings.rows[0].button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(findings.rows[1], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(findings.rows[2], Qt.MouseButton.LeftButton)
    assert asked == [3, 2]


def test_one_line_about_all_of_them():
    assert summary([]) == "No objections"
    assert summary([NOTE]) == "No objections"
    assert summary([NOTE, WARNING]) == "Can be done, with 1 warning"
    assert summary([WARNING, REFUSAL, REFUSAL]) == "Cannot be done: 2 reasons"


def test_a_later_list_replaces_the_earlier(findings):
    findings.show_findings([WARNING], MOMENTS)
    findings.show_findings([], MOMENTS)
    assert findings.rows == ()
    findings.show_words("Findings", "There is no motion yet.")
    assert findings.rows == ()
