"""Qt style sheet of the whole window; `gui.widgets.theme` substitutes colours and sizes."""

STYLE_SHEET = """
QToolTip { background: $surface; color: $text; border: 1px solid $border; padding: ${small}px; }
QMainWindow, QDialog { background: $window; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QSplitter::handle { background: transparent; }

QLabel { background: transparent; }
QLabel[look="title"] { font-size: ${font_title}px; font-weight: 600; }
QLabel[look="heading"] { font-size: ${font_large}px; font-weight: 600; }
QLabel[look="muted"] { color: $muted; }
QLabel[look="small"] { color: $muted; font-size: ${font_small}px; }
QLabel[look="legend"] { color: $muted; background: $surface; font-size: ${font_small}px;
    border-radius: ${small}px; padding: ${tiny}px ${small}px; }
QLabel[look="figure"] { font-weight: 600; }
QLabel[look="success"] { color: $success; }
QLabel[look="warning"] { color: $warning; }
QLabel[look="danger"] { color: $danger; }
QLabel[look="chip"], QLabel[look="chip-success"], QLabel[look="chip-warning"], QLabel[look="chip-danger"],
QLabel[look="chip-accent"] {
    border-radius: ${radius}px; padding: ${tiny}px ${half}px; font-weight: 600; background: $sunken; color: $muted; }
QLabel[look="chip-success"] { background: $success_soft; color: $success; }
QLabel[look="chip-warning"] { background: $warning_soft; color: $warning; }
QLabel[look="chip-danger"] { background: $danger_soft; color: $danger; }
QLabel[look="chip-accent"] { background: $accent_soft; color: $accent; }

QFrame[look="card"] { background: $surface; border: 1px solid $border; border-radius: ${radius}px; }
QFrame[look="rail"] { background: $surface; border: none; border-right: 1px solid $border; }
QFrame[look="bar"] { background: $surface; border: none; border-bottom: 1px solid $border; }
QFrame[look="side"] { background: $window; border: none; border-left: 1px solid $border; }
QFrame[look="banner-danger"] { background: $danger_soft; border: none; border-bottom: 1px solid $danger; }
QFrame[look="banner-warning"] { background: $warning_soft; border: none; border-bottom: 1px solid $warning; }
QFrame[look="banner-success"] { background: $success_soft; border: none; border-bottom: 1px solid $success; }
QFrame[look="banner-accent"] { background: $accent_soft; border: none; border-bottom: 1px solid $accent; }
QFrame[look="note-danger"] { background: $danger_soft; border: none; border-radius: ${radius}px; }
QFrame[look="note-warning"] { background: $warning_soft; border: none; border-radius: ${radius}px; }
QFrame[look="note-success"] { background: $success_soft; border: none; border-radius: ${radius}px; }
QFrame[look="note-accent"] { background: $accent_soft; border: none; border-radius: ${radius}px; }
QFrame[look="line"] { background: $border; border: none; max-height: 1px; min-height: 1px; }

QPushButton, QToolButton {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px;
    padding: ${small}px ${most}px; min-height: ${control}px; outline: none; }
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed { background: $sunken; border-color: $accent; }
QPushButton:focus, QToolButton:focus { border: 2px solid $accent; }
QPushButton:disabled, QToolButton:disabled { color: $faint; background: $sunken; border-color: $sunken; }
QPushButton:checked, QToolButton:checked { background: $accent_soft; color: $accent; border-color: $accent; }
QPushButton:checked:disabled, QToolButton:checked:disabled {
    background: $sunken; color: $faint; border-color: $sunken; }
QPushButton[look="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[look="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[look="primary"]:focus { border: 2px solid $text; }
QPushButton[look="primary"]:disabled { background: $sunken; color: $faint; border-color: $sunken; }
QPushButton[look="danger"] { color: $danger; border-color: $danger; }
QPushButton[look="quiet"], QToolButton[look="quiet"] { background: transparent; border-color: transparent; }
QPushButton[look="quiet"]:hover, QToolButton[look="quiet"]:hover { background: $hover; }
QPushButton[look="quiet"]:focus, QToolButton[look="quiet"]:focus { border: 2px solid $accent; }
QPushButton[look="quiet"]:checked, QToolButton[look="quiet"]:checked { background: $accent_soft; color: $accent; }
QPushButton[look="quiet"]:checked:disabled { background: transparent; color: $faint; }
QPushButton[look="stop"] {
    background: $stop; color: white; border: 2px solid $stop; font-size: ${font_large}px; font-weight: 700;
    min-height: ${stop_height}px; padding: 0 ${most}px; }
QPushButton[look="stop"]:hover { background: $stop_hover; border-color: $stop_hover; }
QPushButton[look="stop"]:focus, QPushButton[look="stop"]:pressed { border-color: $text; }
QPushButton[look="jog"] { font-weight: 600; padding: ${small}px; }
QPushButton[look="jog"]:pressed { background: $accent; color: $on_accent; }
QToolButton[look="nav"] {
    background: transparent; border: none; border-radius: ${radius}px; color: $muted;
    padding: ${half}px ${small}px; font-weight: 600; }
QToolButton[look="nav"]:hover { background: $hover; color: $text; }
QToolButton[look="nav"]:checked { background: $accent_soft; color: $accent; }
QToolButton[look="nav"]:focus { border: 2px solid $accent; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QComboBox, QPlainTextEdit, QTextEdit {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px;
    padding: ${tiny}px ${half}px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QComboBox { min-height: ${control}px; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QDateEdit:focus, QComboBox:focus, QPlainTextEdit:focus,
QTextEdit:focus {
    border: 2px solid $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
    background: $sunken; color: $faint; border-color: $sunken; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {
    border: none; background: transparent; padding: 0 0 0 ${small}px; min-height: 0; }
QLineEdit QToolButton { background: transparent; border: none; padding: 0; min-height: 0; }
QComboBox::drop-down, QDateEdit::drop-down { border: none; width: ${control}px; }
QComboBox QAbstractItemView, QMenu { background: $surface; color: $text; border: 1px solid $border; }
QMenu::item { padding: ${small}px ${most}px; }
QMenu::item:selected { background: $accent_soft; color: $accent; }
QListView, QTreeView, QTableView {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px; outline: none; }
QListView::item { padding: ${small}px ${half}px; border-radius: ${small}px; }
QListView::item:hover { background: $hover; }
QListView::item:selected { background: $accent_soft; color: $accent; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: ${small}px ${half}px; font-weight: 600; }
QTableView::item { padding: 0 ${half}px; }
QTableView::item:selected { background: $accent_soft; color: $text; }
QCalendarWidget QWidget#qt_calendar_navigationbar { background: $surface; }
QCalendarWidget QTableView::item { padding: 0; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
    padding: ${small}px ${most}px; font-weight: 600; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $accent; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $text; border-bottom-color: $text; }
QTabBar::tab:disabled { color: $faint; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    background: transparent; border: none; width: ${control}px; }
QSpinBox::up-button:hover, QSpinBox::down-button:hover, QDoubleSpinBox::up-button:hover,
QDoubleSpinBox::down-button:hover { background: $hover; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url($marks/small-up.svg); width: ${mark}px; height: ${mark}px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow, QComboBox::down-arrow, QDateEdit::down-arrow {
    image: url($marks/small-down.svg); width: ${mark}px; height: ${mark}px; }
QCheckBox, QRadioButton { spacing: ${half}px; background: transparent; }
QCheckBox::indicator, QRadioButton::indicator {
    width: ${box}px; height: ${box}px; border: 1px solid $faint; background: $surface; }
QCheckBox::indicator { border-radius: ${tiny}px; }
QRadioButton::indicator { border-radius: ${round}px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QCheckBox::indicator:focus, QRadioButton::indicator:focus {
    border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($marks/check.svg); }
QRadioButton::indicator:checked {
    width: ${box}px; height: ${box}px; border: 1px solid $accent;
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 $accent, stop: 0.52 $accent, stop: 0.6 $surface, stop: 1 $surface); }
QCheckBox:focus, QRadioButton:focus { color: $accent; }

QProgressBar { background: $sunken; border: none; border-radius: ${tiny}px; max-height: ${small}px;
    min-height: ${small}px; }
QProgressBar::chunk { background: $accent; border-radius: ${tiny}px; }
QSlider::groove:horizontal { background: $border; height: ${small}px; border-radius: ${tiny}px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: ${tiny}px; }
QSlider::sub-page:horizontal:disabled { background: $border; }
QSlider::handle:horizontal { background: $surface; border: 2px solid $accent; width: ${half}px;
    margin: -${small}px 0; border-radius: ${small}px; }
QSlider::handle:horizontal:disabled { border-color: $faint; }
QScrollBar:vertical { background: transparent; width: ${half}px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: ${half}px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: ${tiny}px; min-height: ${control}px; min-width: ${control}px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {
    background: none; border: none; width: 0; height: 0; }
"""
