"""Several motions for one request: choosing one, all side by side, and how they are requested from the model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from history_pieces import proposed
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.player.playback_clip import make_clip
from gui.player.player import GENERATED, ORIGINAL, Player
from gui.rehearse.candidates_bar import CandidatesBar
from gui.rehearse.generation_options import GenerationOptions
from gui.rehearse.shown_motion import seen_before, shown_motion, side_by_side
from model.checkpoints.description import ModelDescription
from robot.planning.findings import Finding, Level
from robot.planning.plan import Plan
from workflows.proposals.proposal import MadeBy
from workflows.rehearsal.facts import Candidate

MODELS = (
    ModelDescription("small", Path("/models/small"), 1, 17, 0.7, False),
    ModelDescription("large", Path("/models/large"), 50, 41, 0.2, True),
)


def candidates() -> tuple[Candidate, Candidate, Candidate]:
    """Return three candidates: the first is feasible, the others are refused; the second is longer."""
    found = []
    for number, T in enumerate((9, 13, 9)):
        proposal, plan = proposed("push the ball", T)
        by = MadeBy("/models/large", "abc", "joint", 40 + number, 50, 1.0, 3, number + 1, 0.9 - 0.2 * number)
        if number:
            refusal = Finding(Level.REFUSAL, "The arm would touch the table.", 3)
            plan = Plan(plan.motion, plan.frame_moments, plan.intended, (*plan.findings, refusal))
        found.append(Candidate(replace(proposal, made_by=by), plan))
    return found[0], found[1], found[2]


def test_each_candidate_says_how_good_it_is_and_can_be_chosen(qtbot):
    bar, made = CandidatesBar(), candidates()
    qtbot.addWidget(bar)
    bar.show_candidates(made[:1], made[0].proposal.id)
    assert bar.isHidden()  # with a single one there is no choice
    bar.show_candidates(made, made[0].proposal.id)
    bar.show()
    assert [button.text() for button in bar.buttons] == ["1  90 %", "2  refused", "3  refused"]
    assert bar.buttons[0].isChecked() and bar.words.text() == "1 of 3 can be done:"
    assert "touch the table" in bar.buttons[1].toolTip() and "Seed 41" in bar.buttons[1].toolTip()
    with qtbot.waitSignal(bar.chosen) as chosen:
        QTest.mouseClick(bar.buttons[2], Qt.MouseButton.LeftButton)
    assert chosen.args == [2]
    with qtbot.waitSignal(bar.compared) as compared:
        QTest.mouseClick(bar.compare, Qt.MouseButton.LeftButton)
    assert compared.args == [True]


def test_all_candidates_play_side_by_side_in_one_time():
    made = candidates()
    film = side_by_side(made)
    own = [shown_motion(each.proposal, each.plan).film for each in made]
    assert film.names == ("1: front", "2: front", "3: front") and len(film) == len(own[1])
    middle = len(film) // 2
    for view, each in enumerate(own):
        frame = each.frame_at(float(film.moments[middle]))
        assert np.array_equal(film.layer(view, middle), each.layer(0, frame))
        assert np.array_equal(film.ways[view].at(middle).tool, each.ways[0].at(frame).tool)


def test_how_the_model_is_asked_follows_what_it_can_do(qtbot):
    fold = GenerationOptions()
    qtbot.addWidget(fold)
    fold.show_models(MODELS)
    fold.show_cameras(("left", "right", "top"))
    assert fold.folder == Path("/models/small") and not fold.mode.isEnabled()
    asking = fold.asking
    assert (asking.mode, asking.candidates, asking.steps, asking.seed, asking.cameras) == ("policy", 1, None, None, ())
    fold.model.setCurrentIndex(1)
    assert [fold.mode.itemData(i) for i in range(fold.mode.count())] == ["joint", "policy"]
    assert fold.steps.text() == "50 (the model's)"
    fold.candidates.setValue(4)
    fold.steps.setValue(8)
    fold.seed.setValue(7)
    fold.cameras["top"].setChecked(False)
    asking = fold.asking
    assert (asking.mode, asking.candidates, asking.steps, asking.seed) == ("joint", 4, 8, 7)
    assert asking.cameras == ("left", "right")
    fold.cameras["left"].setChecked(False)
    assert fold.cameras["left"].isChecked()  # at least two views
    fold.show_models(MODELS)
    assert fold.folder == Path("/models/large")


def test_a_folder_without_a_model_is_said(qtbot, tmp_path):
    fold = GenerationOptions()
    qtbot.addWidget(fold)
    fold.show_models(MODELS)
    fold.choose_folder(tmp_path)
    assert "no model" in fold.problem.text() and fold.folder == Path("/models/small")


@pytest.fixture
def player(qtbot):
    player = Player()
    for widget in (player, player.grid, player.below):
        qtbot.addWidget(widget)
    player.grid.resize(640, 240)
    player.grid.show()
    player.below.show()
    return player


def test_imagined_and_original_pictures_can_be_compared_where_there_are_imagined_ones(player):
    proposal, plan = proposed("push the ball")
    T, size = len(proposal.times), 64
    cameras = tuple(camera.cropped(20, 0, 120, 120).resized(size, size) for camera in proposal.scene.cameras)
    imagined = np.stack([np.full((T, size, size, 3), 10 + view, np.uint8) for view in range(2)])
    joint = replace(proposal, rgb=imagined, cameras=cameras)
    before = seen_before(joint)
    assert [picture.shape for picture in before] == [(size, size, 3)] * 2
    assert before[0][5, 5, 0] == 90 and before[1][5, 5, 0] == 130
    decoded = joint.decoded
    film = make_clip(
        cameras, list(imagined), None, plan.intended, moments=plan.frame_moments, confidence=None,
        residual_px=decoded.residual_px, original=before,
    )  # fmt: skip
    player.show_film(film)
    assert not player.controls.pictures.isHidden()
    assert player.grid.pictures[0].rgb[0, 0, 0] == 10
    player.controls.pictures.setCurrentText(ORIGINAL)
    assert player.grid.pictures[0].rgb[0, 0, 0] == 90 and player.grid.pictures[1].rgb[0, 0, 0] == 130
    player.controls.pictures.setCurrentText(GENERATED)
    assert player.grid.pictures[1].rgb[0, 0, 0] == 11
    player.show_film(shown_motion(proposal, plan).film)  # nothing was generated: nothing to compare
    assert player.controls.pictures.isHidden()
