"""Embedded lab with one common time: a world, and the controller of the arm in it."""

import numpy as np

from foundation import xarm7
from simulation.bench.scene import SceneSpec
from simulation.bench.world import World
from simulation.controller.controller import TICK, Controller
from simulation.controller.settings import gripper_settings


class Lab:
    """Lab without a clock or thread: `tick` is one controller cycle and the physics of that cycle.

    For real time the caller ticks it 250 times a second; for virtual time, as fast as possible. `joints` (7,) rad: the
    arm's initial position.
    """

    def __init__(self, scene: SceneSpec, joints: np.ndarray = xarm7.HOME):
        self.scene = scene
        self.world = World(scene, joints)
        self.controller = Controller(self.world, settings=gripper_settings())

    @property
    def time(self) -> float:
        """Virtual s since the start."""
        return self.world.time

    def tick(self) -> None:
        self.controller.tick()
        self.world.step(TICK)

    def change_bench(self, world: World) -> None:
        """Continue with another world; the arm keeps its joints, at rest."""
        measured = self.world.measure()
        world.start_from(measured.position, measured.gripper_pulse, self.world.time)
        self.controller.change_plant(world)
        self.world, self.scene = world, world.scene

    def run_until(self, time: float) -> None:
        """Tick until `time` s, to the nearest cycle."""
        while self.world.time < time - 0.5 * TICK:
            self.tick()
