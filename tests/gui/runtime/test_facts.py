"""Names and values in two columns: every value is as high as its text needs."""

import pytest
from PySide6.QtWidgets import QLabel, QWidget

from gui.widgets.basics import column, label
from gui.widgets.facts import Facts

WORDS = "The tool is 37 mm beside and 44 mm above the middle of the pink cylinder, which stands where it stood before."


@pytest.mark.parametrize("width", [360, 520])
def test_a_long_value_is_not_cut_off(qtbot, width):
    page, facts = QWidget(), Facts()
    qtbot.addWidget(page)
    page.setLayout(column(label("A heading", wrap=True), facts, None))
    page.setFixedSize(width, 260)
    facts.show_facts({"The tool": "", "Ended": "", "The lab says": ""})
    page.show()
    facts.show_facts({"The tool": "was 1 mm off", "Ended": "where it should", "The lab says": WORDS})
    values = {name: facts.findChild(QLabel, name) for name in ("The tool", "Ended", "The lab says")}
    qtbot.waitUntil(lambda: all(v.height() >= v.heightForWidth(v.width()) for v in values.values()), timeout=30_000)
    assert values["The lab says"].height() > 1.5 * values["Ended"].height()


def test_other_names_take_the_place_of_the_first(qtbot):
    facts = Facts()
    qtbot.addWidget(facts)
    facts.show_facts({"One": "1", "Two": "2"})
    facts.show_facts({"Two": "3"})
    facts.show()
    shown = [child.text() for child in facts.findChildren(QLabel) if child.isVisible()]
    assert shown == ["Two", "3"]
