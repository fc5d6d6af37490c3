"""Meshes of the objects on the simulated lab's bench; a real bench has no ground truth."""

import numpy as np

from foundation.poses import pose
from gui.view3d.meshes import Mesh
from gui.view3d.view import thing
from simulation.bench.furniture import BOWL_HEIGHT, BOWL_RADIUS
from simulation.bench.scene import COLOURS
from simulation.client import LabProcess


def lab_objects(lab: LabProcess) -> tuple[Mesh, ...]:
    """Return all loose objects and the bowl at their ground-truth poses. Queries the lab: only in a job."""
    truth, scene = lab.truth(), lab.scene
    things = [thing(spec.shape, spec.size, truth.poses[spec.name], COLOURS[spec.colour]) for spec in scene.objects]
    if scene.bowl is not None:
        raised = truth.poses["bowl"] @ pose(position=np.array([0.0, 0.0, BOWL_HEIGHT / 2]))
        size = (2 * BOWL_RADIUS, 2 * BOWL_RADIUS, BOWL_HEIGHT)
        things.append(thing("cylinder", size, raised, COLOURS[scene.bowl.colour]))
    return tuple(things)
