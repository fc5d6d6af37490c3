"""The embedded lab for other programs: a simulated xArm7 that the official SDK can drive, and cameras."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundation.errors import KnownError
from simulation.bench.randomise import random_scene
from simulation.client import LabProcess


class LabEndedError(KnownError):
    """The lab process exited on its own."""


@dataclass(frozen=True)
class LabSettings:
    """Scene seed, number of cameras (2 to 4), the controller's command port, and whether the cameras deliver depth."""

    seed: int = 0
    cameras: int = 2
    port: int | None = None
    depth: bool = False


@dataclass(frozen=True)
class RunningLab:
    """A running lab and its connection details."""

    lab: LabProcess

    def description(self) -> dict[str, Any]:
        scene = self.lab.scene
        return {
            "address": self.lab.address,
            "port": self.lab.port,
            "frames": self.lab.frames,
            "cameras": [spec.name for spec in scene.cameras],
            "things": list(scene.names),
        }

    def as_text(self) -> str:
        """Format the connection details for an operator or the author of another program."""
        lab, scene = self.lab, self.lab.scene
        return "\n".join(
            [
                f"A simulated xArm7 listens at {lab.address}, command port {lab.port}.",
                f"On the bench: {', '.join(scene.names)}. Cameras: {', '.join(c.name for c in scene.cameras)}.",
                "From Python, with the maker's SDK:",
                "    from xarm.core.config.x_config import XCONF",
                "    from xarm.wrapper import XArmAPI",
                f"    XCONF.SocketConf.TCP_CONTROL_PORT = {lab.port}",
                f"    arm = XArmAPI('{lab.address}', forbid_uds=True)",
                "Ctrl-C ends it.",
            ]
        )

    def wait(self, seconds: float | None = None) -> None:
        """Wait until Ctrl-C, or for `seconds`. Raises LabEndedError when the lab exits first."""
        ends = None if seconds is None else time.monotonic() + seconds
        while ends is None or time.monotonic() < ends:
            if not self.lab.running:
                raise LabEndedError("The embedded lab has ended by itself. The reason stands above; start it again.")
            time.sleep(0.1 if ends is None else max(0.0, min(0.1, ends - time.monotonic())))


@contextlib.contextmanager
def lab_running(settings: LabSettings) -> Iterator[RunningLab]:
    """Run a lab in its own process; it is terminated on leaving the context."""
    scene = random_scene(settings.seed, cameras=settings.cameras)
    with LabProcess(scene, port=settings.port, depth=settings.depth) as lab:
        yield RunningLab(lab)
