"""The window; the only folder with Qt. A screen is a presenter (QObject) and a view (widgets)."""
