"""Thread in which cyclic garbage is collected."""

import gc
import threading

from PySide6.QtCore import QObject

from gui.runtime.garbage_collection import GarbageCollection


class Ring:
    """Garbage that only the cycle collector finds; it records the thread that collects it."""

    def __init__(self, found: list[int]):
        self.found, self.itself = found, self

    def __del__(self):
        self.found.append(threading.get_ident())


def test_garbage_is_found_in_the_window_s_thread_only(qtbot):
    found: list[int] = []
    owner = QObject()

    def make_garbage() -> None:
        for _ in range(20):
            Ring(found)
        _ = [[] for _ in range(100_000)]  # enough for Python to collect garbage by itself, if it were enabled

    garbage = GarbageCollection(lambda: True, owner)
    try:
        thread = threading.Thread(target=make_garbage)
        thread.start()
        thread.join()
        assert found == []
        qtbot.waitUntil(lambda: len(found) == 20, timeout=30_000)
        assert set(found) == {threading.get_ident()}
    finally:
        garbage.close()
        gc.disable()


def test_the_long_look_waits_while_the_arm_may_move(qtbot):
    collected: list[int] = []
    allowed: list[bool] = []

    def note(phase: str, info: dict) -> None:
        if phase == "stop":
            collected.append(info["generation"])

    owner = QObject()
    garbage = GarbageCollection(lambda: bool(allowed), owner)
    gc.callbacks.append(note)
    before = gc.get_threshold()
    gc.set_threshold(1, 0, 0)
    try:
        qtbot.waitUntil(lambda: len(collected) > 2, timeout=30_000)
        assert 2 not in collected
        allowed.append(True)
        qtbot.waitUntil(lambda: 2 in collected, timeout=30_000)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(note)
        garbage.close()
        gc.disable()
