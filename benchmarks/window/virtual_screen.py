"""Virtual screen (Xvfb) for programs with a window, on machines without a screen."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

from foundation.errors import KnownError


class NoVirtualScreenError(KnownError):
    """Xvfb is not installed or does not start."""


@contextlib.contextmanager
def virtual_screen(width: int = 1920, height: int = 1080) -> Iterator[None]:
    """Start Xvfb with software OpenGL, and point the environment to it meanwhile."""
    if shutil.which("Xvfb") is None:
        raise NoVirtualScreenError("There is no Xvfb to open a window on. Install it: apt-get install xvfb")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        [*command, "+extension", "GLX"], pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    wanted: dict[str, str | None] = {
        "DISPLAY": f":{number}",
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "PYOPENGL_PLATFORM": None,  # set by processes that render the lab's images; breaks 3-D in a window
    }
    before = {name: os.environ.get(name) for name in wanted}
    try:
        if not number:
            raise NoVirtualScreenError("Xvfb does not start. See what `Xvfb :99` says.")
        _set_environment(wanted)
        yield
    finally:
        _set_environment(before)
        server.terminate()
        server.wait()


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
