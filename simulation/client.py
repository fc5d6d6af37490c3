"""Client of the lab process: start it, query it, inject faults."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np

from foundation.processes import RoleProcess
from simulation.bench.judging import Verdict
from simulation.bench.scene import SceneSpec
from simulation.bench.world import Truth
from simulation.errors import SimulationError

_ANSWER_WITHIN = 10.0  # s


class LabProcess:
    """Embedded lab with a scene, in a process of its own; a context manager.

    `address` and `port`: where the simulated controller listens; `frames`: the name under which the cameras publish.
    Raises ProcessError when it cannot start (with `address` given, also when a port there is taken).
    """

    def __init__(self, scene: SceneSpec, *, address: str | None = None, port: int | None = None, depth: bool = False):
        self.scene = scene
        settings = {"scene": scene.to_dict(), "address": address, "port": port, "depth": depth}
        self._process = RoleProcess("lab", settings)
        self._lock = threading.Lock()
        ready = self._process.ready
        self.address, self.port, self.frames = str(ready["address"]), int(ready["port"]), str(ready["frames"])

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self) -> None:
        """Judge tasks against the present state from now on."""
        self._ask("begin")

    def judge(self, instruction: str) -> Verdict:
        """Judge whether the instruction was carried out since `begin`; raises SimulationError for an unclear one."""
        return Verdict(**self._ask("judge", instruction=instruction))

    def truth(self) -> Truth:
        """Return the present ground truth."""
        values = self._ask("truth")
        return Truth(**{**values, "held": frozenset(values["held"])})

    def set_scene(self, scene: SceneSpec) -> None:
        """Replace the bench in front of the same arm, which should stand still, and the same cameras."""
        self._ask("set_scene", scene=scene.to_dict())
        self.scene = replace(scene, cameras=self.scene.cameras)

    def pull_tool(self, force: np.ndarray) -> None:
        """Pull at the tool with `force` (3,) N in base, as a hand would, until the next call; zeros let go."""
        self._ask("pull_tool", force=np.asarray(force, float))

    def controller_fault(self, **faults: Any) -> None:
        """Set fields and call methods of `Faults`: hang=True, raise_error=31, drop_connections=True."""
        self._ask("controller_fault", **faults)

    def camera_fault(self, camera: str, **faults: Any) -> None:
        """Set fields of `CameraFaults`: frozen=True, slow=4.0, vanished=True."""
        self._ask("camera_fault", camera=camera, **faults)

    def commands(self, register: int | None = None, since: float = 0.0) -> list[dict[str, Any]]:
        """Return what the controller received after `since` (s, monotonic): time, register, client, params (bytes)."""
        return self._ask("commands", register=register, since=since)

    def figures(self) -> dict[str, float]:
        """Return `time` virtual s, `lost` s on a slow machine, and the number of `late_pictures` not taken."""
        return self._ask("figures")

    def close(self) -> None:
        self._process.close()

    def __enter__(self) -> "LabProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, what: str, **arguments: Any) -> Any:
        with self._lock:
            self._process.channel.send({"do": what, "with": arguments})
            try:
                answer = self._process.channel.receive(_ANSWER_WITHIN)
            except TimeoutError:
                self.close()  # a late answer would be taken for that of the next request
                raise SimulationError("The embedded lab does not answer. Start it again.") from None
        if "error" in answer:
            raise SimulationError(str(answer["error"]))
        return answer["answer"]
