"""Curves of an episode: tool, joints and gripper over time, and the frame intervals, with the player's position."""

from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from gui.runtime.time_slices import slices
from gui.widgets.basics import column
from gui.widgets.theme import Colours, colours, em
from workflows.recording.episode_review import EpisodeReview

_MOST_POINTS = 700  # per curve: as many as there are columns of pixels
_TITLES = ("Tool, mm", "Joints, deg", "Gripper, % open", "Pictures, ms apart")
_AXES = ("#e5484d", "#2f9e55", "#3e7bfa")  # x, y, z, legible on both backgrounds
_JOINTS = ("#3e7bfa", "#12a594", "#2f9e55", "#b08a00", "#e8702a", "#e5484d", "#b659c8")
_HEADROOM = 0.45  # space above the curves for the title, as a share of their range

Curve = tuple[str, str, np.ndarray, np.ndarray]
"""A name, a colour, times (n,) s, values (n,)."""


class EpisodeCurves(QWidget):
    """Four plots over a common time axis. `asked` carries a clicked time in s after the episode's start."""

    asked = Signal(float)

    def __init__(self):
        super().__init__()
        self.board = pg.GraphicsLayoutWidget()
        self.board.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.board.ci.setContentsMargins(0, 0, 0, 0)
        self.board.ci.setSpacing(2)
        self.plots: list[pg.PlotItem] = []
        self.titles: list[pg.LabelItem] = []
        self.cursors: list[pg.InfiniteLine] = []
        self._review: EpisodeReview | None = None
        self.curves: tuple[tuple[Curve, ...], ...] = ((), (), (), ())
        self.board.viewport().installEventFilter(self)
        self.setLayout(column(self.board))
        for number in range(len(_TITLES)):
            slices().add(self, lambda number=number: self._make(number))  # creating a plot takes about 10 ms
        slices().add(self, self._colour)
        slices().add(self, self._draw)

    def show_review(self, review: EpisodeReview | None) -> None:
        """Show the curves of an episode; None clears them."""
        self._review = review
        self.curves = ((), (), (), ()) if review is None else curves(review)
        self._draw()

    def show_moment(self, seconds: float) -> None:
        """Set the player's position, s after the episode's start."""
        for cursor in self.cursors:
            cursor.setValue(seconds)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()
            self._draw()

    def eventFilter(self, watched, event: QEvent) -> bool:
        """Handle presses and drags anywhere in the plots as seeking."""
        if isinstance(event, QMouseEvent) and event.type() != QEvent.Type.MouseButtonRelease:
            if event.buttons() & Qt.MouseButton.LeftButton and self._review is not None:
                at = self.board.mapToScene(event.position().toPoint())
                box = self.plots[0].getViewBox()
                self.asked.emit(float(box.mapSceneToView(QPointF(at)).x()))
                return True
            return event.type() == QEvent.Type.MouseButtonDblClick
        return False

    # --- helpers ---

    def _make(self, number: int) -> None:
        plot, cursor = self._plot(number), pg.InfiniteLine(0.0, angle=90)
        plot.addItem(cursor, ignoreBounds=True)
        self.plots.append(plot)
        self.titles.append(_title(plot))
        self.cursors.append(cursor)

    def _plot(self, number: int) -> pg.PlotItem:
        plot = self.board.ci.addPlot(row=number, col=0, enableMenu=False)
        plot.getViewBox().setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.getAxis("left").setWidth(round(2.6 * em()))
        if number:
            plot.getViewBox().setXLink(self.plots[0].getViewBox())
        if number < len(_TITLES) - 1:
            plot.getAxis("bottom").setStyle(showValues=False)
            plot.getAxis("bottom").setHeight(4)
        return plot

    def _draw(self) -> None:
        if len(self.plots) < len(_TITLES):
            return  # until all are created
        c, every = colours(), zip(self.plots, self.titles, _TITLES, self.curves, self.cursors, strict=True)
        for plot, title, words, group, cursor in every:
            names = "&nbsp;&nbsp;".join(f'<span style="color:{each[1]}">{escape(each[0])}</span>' for each in group)
            title.setText(f'<span style="color:{c.muted}">{words}</span>&nbsp;&nbsp;&nbsp;{names}')
            plot.clear()
            for _, colour, times, values in group:
                plot.plot(times, values, pen=pg.mkPen(colour, width=1.3), connect="finite")
            plot.addItem(cursor, ignoreBounds=True)
            low, high = _range(group)
            plot.getViewBox().setYRange(low, high + _HEADROOM * (high - low), padding=0.06)
        if self._review is not None:
            self.plots[0].getViewBox().setXRange(0.0, max(self._review.episode.facts.duration_s, 0.1), padding=0.01)

    def _colour(self) -> None:
        c: Colours = colours()
        self.board.setBackground(c.surface)
        for plot in self.plots:
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(c.border)
                plot.getAxis(side).setTextPen(c.muted)
        for cursor in self.cursors:
            cursor.setPen(pg.mkPen(c.text, width=1.3))


def _range(group: tuple[Curve, ...]) -> tuple[float, float]:
    """Return minimum and maximum of the values, kept apart."""
    values = np.concatenate([each[3] for each in group]) if group else np.zeros(1)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if high - low > 1.0 else (low - 0.5, high + 0.5)


def _title(plot: pg.PlotItem) -> pg.LabelItem:
    """Return a title in the plot's corner: beside the plot there is no space."""
    title = pg.LabelItem(justify="left", size="8pt")
    title.setParentItem(plot.getViewBox())
    title.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(2, -3))
    return title


def curves(review: EpisodeReview) -> tuple[tuple[Curve, ...], ...]:
    """Return tool in mm, joints in deg, gripper in % (commanded and measured), and frame intervals in ms per view."""
    episode = review.episode
    samples = episode.samples
    samples = samples[:: max(1, -(-len(samples) // _MOST_POINTS))]
    time = samples["time"]
    tool = tuple((name, _AXES[i], time, 1000.0 * samples["tool"][:, i]) for i, name in enumerate("xyz"))
    joints = tuple((f"J{i + 1}", _JOINTS[i], time, np.degrees(samples["position"][:, i])) for i in range(7))
    gripper = (
        ("wanted", _AXES[0], time, 100.0 * samples["commanded_openness"]),
        ("real", _AXES[2], time, 100.0 * samples["openness"]),
    )
    known = lambda group: tuple(curve for curve in group if np.isfinite(curve[3]).any())  # noqa: E731
    return known(tool), known(joints), known(gripper), tuple(_timing(review))


def _timing(review: EpisodeReview) -> list[Curve]:
    found = []
    for i, (view, name) in enumerate(zip(review.views, review.names, strict=True)):
        times = review.episode.frames[view]["time"]
        if len(times) > 1:
            # The largest interval of each bin, so that subsampling does not hide a lost frame.
            step = max(1, -(-(len(times) - 1) // _MOST_POINTS))
            gaps, starts = 1000.0 * np.diff(times), np.arange(0, len(times) - 1, step)
            found.append((name, _JOINTS[i % len(_JOINTS)], times[1:][starts], np.maximum.reduceat(gaps, starts)))
    return found
