"""Separate window that jogs the arm at an address until it is killed: `jogging_window.py ADDRESS:PORT FOLDER`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QTimer  # noqa: E402

from gui.app import Program, application  # noqa: E402
from gui.arm.hand_control import Direction  # noqa: E402
from robot.state import ArmState  # noqa: E402
from workflows import settings  # noqa: E402
from workflows.settings import ArmSettings, ProgramSettings  # noqa: E402


def main(address: str, folder: Path) -> None:
    settings.save(ProgramSettings(arm=ArmSettings(kind="real", address=address)), folder / "settings.json")
    app = application()
    program = Program(app, folder / "settings.json", folder / "logs")
    program.start()
    said = False

    def look() -> None:
        nonlocal said
        state = program.connection.arm_state
        if state in (ArmState.NOT_ENABLED, ArmState.NOT_READY, ArmState.STOPPED):
            program.arm.recover()
        elif state is ArmState.HOLDING:
            program.control.press(Direction(1, 1))
        elif state is ArmState.JOGGING and not said:
            said = True
            QTimer.singleShot(300, lambda: os.write(1, b"moving\n"))

    timer = QTimer(app, interval=50)
    timer.timeout.connect(look)
    timer.start()
    app.exec()


main(sys.argv[1], Path(sys.argv[2]))
