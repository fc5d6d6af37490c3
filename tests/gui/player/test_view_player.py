"""Video player: every view in step, frame-exact, whatever is pressed."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from rehearse_pieces import CAMERAS, T, film, trajectory

from gui.player.player import BLOBS, NOTHING, PATH, Player
from gui.player.timeline import Mark
from model.action_images.overlay import draw_overlay
from model.action_images.rendering import render


@pytest.fixture
def player(qtbot):
    player = Player()
    qtbot.addWidget(player)
    qtbot.addWidget(player.grid)
    qtbot.addWidget(player.below)
    player.grid.resize(640, 240)
    player.below.resize(640, 120)
    player.grid.show()
    player.below.show()
    return player


def shades(player: Player) -> list[int]:
    """Return the grey value that encodes view and frame, of every view."""
    return [int(picture.rgb[0, 0, 0]) for picture in player.grid.pictures]


def test_every_frame_shows_exactly_its_pictures_in_all_views(player):
    player.show_film(film())
    for frame in [0, T - 1, 3, 4, 2]:
        player.go_to(frame)
        assert shades(player) == [frame, 20 + frame]
        assert player.timeline.value() == frame
        assert f"frame {frame + 1} of {T}" in player.controls.readout.text()


def test_clicks_on_the_timeline_hit_each_frame(player, qtbot):
    player.show_film(film())
    for frame in (5, 0, T - 1, 1):
        place = QPoint(round(player.timeline.place_of(frame)), player.timeline.height() // 2)
        qtbot.mouseClick(player.timeline, Qt.MouseButton.LeftButton, pos=place)
        assert player.frame == frame and shades(player) == [frame, 20 + frame]


def test_dragging_passes_the_frames_on_the_way(player, qtbot):
    player.show_film(film())
    seen = []
    player.frame_changed.connect(seen.append)
    middle = player.timeline.height() // 2
    qtbot.mousePress(player.timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(player.timeline.place_of(1)), middle))
    for frame in (2, 3, 4):
        qtbot.mouseMove(player.timeline, QPoint(round(player.timeline.place_of(frame)), middle))
        qtbot.waitUntil(lambda frame=frame: player.frame == frame)
    qtbot.mouseRelease(player.timeline, Qt.MouseButton.LeftButton, pos=QPoint(0, middle))
    assert seen == [1, 2, 3, 4]


def test_keys_and_buttons_go_one_frame_and_stay_inside(player, qtbot):
    player.show_film(film())
    player.go_to(0)
    qtbot.mouseClick(player.controls.back, Qt.MouseButton.LeftButton)
    assert player.frame == 0
    qtbot.mouseClick(player.controls.forward, Qt.MouseButton.LeftButton)
    qtbot.keyClick(player.timeline, Qt.Key.Key_Right)
    assert player.frame == 2
    qtbot.keyClick(player.timeline, Qt.Key.Key_End)
    player.step(1)
    assert player.frame == T - 1


def test_it_plays_to_its_end_once_or_in_a_loop(player, qtbot):
    player.show_film(film())
    player.controls.speed.setCurrentIndex(player.controls.speed.count() - 1)
    player.controls.loop.setChecked(False)
    qtbot.mouseClick(player.controls.play, Qt.MouseButton.LeftButton)
    assert player.playing and player.controls.play.text() == "Pause"
    qtbot.waitUntil(lambda: not player.playing, timeout=20_000)
    assert player.frame == T - 1 and player.controls.play.text() == "Play"
    player.controls.loop.setChecked(True)
    player.play()
    with qtbot.waitSignals([player.frame_changed] * (T + 2), timeout=20_000):  # more frames than one round has
        pass
    player.pause()


def test_frames_never_come_before_their_moment(player, qtbot):
    player.show_film(film())
    late = []
    player.moment_changed.connect(lambda moment: late.append(player.film.frame_at(moment) - player.frame))
    player.play()
    qtbot.waitUntil(lambda: player.frame >= 3, timeout=20_000)
    player.pause()
    assert set(late) == {0}


def test_what_is_drawn_over_the_pictures_can_be_chosen(player):
    player.show_film(film())
    picture = player.grid.pictures[0]
    drawn = {}
    for shown in (BLOBS, PATH, NOTHING):
        player.controls.shown.setCurrentText(shown)
        drawn[shown] = (picture.grab().toImage().copy(), picture.drawing is not None)
    assert drawn[PATH][1] and not drawn[BLOBS][1] and not drawn[NOTHING][1]
    assert drawn[BLOBS][0] != drawn[NOTHING][0] and drawn[PATH][0] != drawn[NOTHING][0]


def test_a_still_film_says_that_its_pictures_are_the_present_ones(player):
    assert film(still=True).still and not film().still
    player.show_film(film(still=True))
    player.go_to(T - 1)
    assert shades(player) == [0, 20]


def test_marks_tell_their_sentence_where_they_stand(player):
    player.show_film(film(), [Mark(5, "warning", "The gripper comes close to the table.")])
    timeline = player.timeline
    tips = {frame: timeline._tip(QPointF(timeline.place_of(frame), 3).toPoint()) for frame in (5, 2)}
    assert tips[5] == "The gripper comes close to the table."
    assert "frame 3 of 9" in tips[2] and "Confidence 80 %" in tips[2] and "Gripper open" in tips[2]


def test_no_film_leaves_nothing_to_press(player):
    player.show_film(film())
    player.show_film(None)
    assert not player.below.isEnabled()
    player.play()
    assert not player.playing


def test_blobs_are_mixed_as_the_model_draws_them():
    shown = film()
    layer, picture = shown.layer(0, 4), shown.picture(0, 4)
    alpha = layer[..., 3:] / 255.0
    mixed = picture * (1 - alpha) + layer[..., :3] * alpha

    action = np.round(255 * render(trajectory(), CAMERAS)).astype(np.uint8)
    # Blobs fainter than two hundredths are left out.
    assert np.abs(mixed - draw_overlay(picture, action[0, 4])).max() <= 8
    assert (alpha > 0.3).any()


def test_a_player_ends_with_the_screen_that_shows_it(qtbot):
    """Destroy the screen that took the player's parts; the player itself may live longer, and must not tick on."""
    player, screen = Player(), QWidget()
    QVBoxLayout(screen).addWidget(player.grid)
    screen.layout().addWidget(player.below)
    player.show_film(film())
    player.play()
    screen.deleteLater()
    with qtbot.captureExceptions() as caught:
        qtbot.wait(200)
    assert not caught
