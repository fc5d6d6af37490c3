"""The embedded lab as one thing with one time: a world, and the controller of the arm in it."""

from simulation.bench.scene import SceneSpec
from simulation.bench.world import World
from simulation.controller.controller import TICK, Controller
from simulation.controller.settings import Settings, gripper_tcp_offset


class Lab:
    """No clock and no thread: `tick` is one controller cycle and the physics of that cycle.

    A program that wants real time calls it 250 times a second; virtual time calls it as quickly as it can.
    """

    def __init__(self, scene: SceneSpec):
        self.scene = scene
        self.world = World(scene)
        self.controller = Controller(self.world, settings=Settings(tcp_offset=gripper_tcp_offset()))

    @property
    def time(self) -> float:
        """Virtual s since the start."""
        return self.world.time

    def tick(self) -> None:
        self.controller.tick()
        self.world.step(TICK)

    def run_until(self, time: float) -> None:
        """Tick until `time` s, to the nearest cycle."""
        while self.world.time < time - 0.5 * TICK:
            self.tick()
