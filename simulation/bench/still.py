"""Ground truth of a scene before any motion, without physics."""

import numpy as np
from scipy.spatial.transform import Rotation

from foundation import xarm7
from foundation.poses import pose
from simulation.bench.furniture import BOX_HEIGHT, CABINET, LID_PLUG
from simulation.bench.scene import SceneSpec
from simulation.bench.world import Truth


def still_truth(scene: SceneSpec, position: np.ndarray, openness: float = 1.0) -> Truth:
    """Return the true state before any motion, with the arm in joints `position` (7,) rad, without physics."""
    poses = {thing.name: _upright(*thing.position, thing.size[2] / 2, thing.yaw) for thing in scene.objects}
    if scene.bowl:
        poses["bowl"] = _upright(*scene.bowl.position)
    opening = None
    if scene.drawer:
        opening = scene.drawer.opening
        cabinet = _upright(*scene.drawer.position, 0.0, scene.drawer.yaw)
        poses["cabinet"] = cabinet
        poses["drawer"] = cabinet @ pose(position=np.array([-CABINET[0] / 2 - opening, 0.0, 0.0]))
    if scene.box:
        box = scene.box
        poses["box"] = _upright(*box.position, 0.0, box.yaw)
        closed = _upright(*box.position, BOX_HEIGHT - LID_PLUG, box.yaw)
        poses["lid"] = closed if box.closed else _upright(*box.lid_position, 0.0, box.lid_yaw)
    speeds = dict.fromkeys(poses, 0.0)
    return Truth(0.0, poses, speeds, frozenset(), opening, xarm7.forward(position), openness)


def _upright(x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    return pose(Rotation.from_euler("z", yaw).as_matrix(), np.array([x, y, z]))
