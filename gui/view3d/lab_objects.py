"""What stands on the embedded lab's bench, for the 3-D view; of a real bench nobody knows it."""

import numpy as np

from foundation.poses import pose
from gui.view3d.meshes import Mesh
from gui.view3d.view import thing
from simulation.bench.furniture import BOWL_HEIGHT, BOWL_RADIUS
from simulation.bench.scene import COLOURS
from simulation.client import LabProcess


def lab_objects(lab: LabProcess) -> tuple[Mesh, ...]:
    """Every loose object and the bowl where they really are now. Asks the lab, so it belongs into a job."""
    truth, scene = lab.truth(), lab.scene
    things = [thing(spec.shape, spec.size, truth.poses[spec.name], COLOURS[spec.colour]) for spec in scene.objects]
    if scene.bowl is not None:
        raised = truth.poses["bowl"] @ pose(position=np.array([0.0, 0.0, BOWL_HEIGHT / 2]))
        size = (2 * BOWL_RADIUS, 2 * BOWL_RADIUS, BOWL_HEIGHT)
        things.append(thing("cylinder", size, raised, COLOURS[scene.bowl.colour]))
    return tuple(things)
