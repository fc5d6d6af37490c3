"""Banners across the top of the window: what happened and what to do; each stays until it is dismissed."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.runtime.messages import Kind, Message
from gui.widgets.basics import Button, IconLabel, label
from gui.widgets.theme import look, space

_MOST = 3
_ICONS = {Kind.DANGER: "warning", Kind.WARNING: "warning", Kind.SUCCESS: "check", Kind.NOTE: "info"}


class Banner(QFrame):
    """One message with a button to dismiss it."""

    def __init__(self, message: Message):
        super().__init__()
        self.message = message
        look(self, f"banner-{message.kind}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(space(0.8), space(0.35), space(0.5), space(0.35))
        layout.setSpacing(space(0.6))
        self.text = label(message.sentence, wrap=True, name="banner text")
        self.away = Button("OK", "quiet", tip="Put this message away; it stays in the log")
        layout.addWidget(IconLabel(_ICONS[message.kind], message.kind))
        layout.addWidget(self.text, 1)
        layout.addWidget(self.away)


class Banners(QWidget):
    """Stack of banners, newest first, at most three; a message is shown only once at a time."""

    def __init__(self):
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.setVisible(False)

    @property
    def banners(self) -> list[Banner]:
        items = [self._layout.itemAt(i) for i in range(self._layout.count())]
        return [w for item in items if item is not None and isinstance(w := item.widget(), Banner)]

    @property
    def sentences(self) -> list[str]:
        return [banner.message.sentence for banner in self.banners]

    def show_message(self, message: Message) -> None:
        self.put_away(message.sentence)
        banner = Banner(message)
        banner.away.clicked.connect(lambda: self._put_away(banner))
        self._layout.insertWidget(0, banner)
        for old in self.banners[_MOST:]:
            self._put_away(old)
        self.setVisible(True)

    def put_away(self, sentence: str) -> None:
        """Remove the banner with this message: it no longer applies."""
        for banner in self.banners:
            if banner.message.sentence == sentence:
                self._put_away(banner)

    def _put_away(self, banner: Banner) -> None:
        self._layout.removeWidget(banner)
        banner.setParent(None)
        banner.deleteLater()
        self.setVisible(bool(self.banners))
