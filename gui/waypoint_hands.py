"""Moving a waypoint of the motion that is shown: dragged in 3-D, clicked into a picture, or given in numbers."""

import numpy as np
from PySide6.QtCore import QObject, Signal

from gui.adjust_panel import AdjustPanel
from gui.rehearse_presenter import RehearsePresenter
from gui.scene_panel import ScenePanel
from gui.view_player import ViewPlayer
from workflows.drawn_motion import point_at_height
from workflows.waypoint_edit import EditError, edited


class WaypointHands(QObject):
    """The waypoint is that of the frame which is looked at. `ended`: another page is wanted."""

    ended = Signal()

    def __init__(self, presenter: RehearsePresenter, player: ViewPlayer, scene: ScenePanel, parent: QObject):
        super().__init__(parent)
        self.panel, self.active = AdjustPanel(), False
        self._presenter, self._player, self._scene = presenter, player, scene
        self.panel.closed.connect(self._give_up)
        self.panel.applied.connect(presenter.edit)
        self.panel.changed.connect(self._show)
        scene.dragged.connect(self._moved_to)
        player.frame_changed.connect(self._take)
        player.grid.clicked.connect(self._clicked)

    def begin(self) -> None:
        """With the waypoint that is looked at."""
        self.active = True
        self._player.pause()
        self._take(self._player.frame)

    def end(self) -> None:
        """Nothing is moved any more."""
        self.active = False
        self._scene.show_handle(None)

    # --- parts ---

    def _give_up(self) -> None:
        """Leave it as it was."""
        shown = self._presenter.shown
        self.end()
        if shown is not None:
            self._scene.show_path(shown.path)
        self.ended.emit()

    def _take(self, frame: int) -> None:
        shown = self._presenter.shown
        if self.active and shown is not None:
            self.panel.begin(frame, float(shown.film.moments[frame] - shown.film.moments[0]))

    def _waypoint(self) -> np.ndarray | None:
        """Where it was, (3,) m."""
        shown = self._presenter.shown
        if not self.active or shown is None or shown.plan.frame_moments[-1] <= shown.plan.frame_moments[0]:
            return None
        return shown.plan.intended.base_from_tool[self.panel.frame, :3, 3]

    def _moved_to(self, point: np.ndarray) -> None:
        was = self._waypoint()
        if was is not None:
            self.panel.show_offset(point - was)

    def _clicked(self, name: str, x: float, y: float) -> None:
        """To where it is seen there, as high as it was."""
        was, shown = self._waypoint(), self._presenter.shown
        if was is None or shown is None or self.panel.frame == 0:
            return
        view = shown.film.names.index(name)
        proposal = shown.proposal
        cameras = proposal.scene.cameras if proposal.rgb is None else proposal.cameras
        height, width = shown.film.picture(view, self.panel.frame).shape[:2]
        place = point_at_height(cameras[view].resized(width, height), np.array([x, y]), float(was[2]))
        if place is not None:
            self._moved_to(place)

    def _show(self) -> None:
        """The way as it would be, before it is checked."""
        shown = self._presenter.shown
        if not self.active or shown is None:
            return
        way, edit = shown.plan.intended, self.panel.edit
        try:
            way = edited(way, edit)
        except EditError:
            self._scene.show_handle(None)
        else:
            self._scene.show_handle(way.base_from_tool[edit.frame, :3, 3])
        self._scene.show_path(way.base_from_tool)
