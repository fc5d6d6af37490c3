"""Pose selection for calibration: reachable, free of collisions, seen by many cameras, and diverse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from cameras.calibration.board import TagBoard
from foundation import xarm7
from foundation.batch_ik import batch_inverse
from foundation.camera import Camera
from foundation.poses import invert, pose, transform
from robot.limiter import LimiterSettings
from robot.planning.collision import collision_check
from robot.workspace import arm_points
from workflows.calibration.calibrate import rough_rig
from workflows.calibration.observations import LEAST_VIEWS, PLANNED_POSES, CalibrationError, CalibrationSession

# A plate on the gripper's front, 45 mm in front of the flange, facing along the flange's +x, its top to the fingers.
NOMINAL_MOUNT = invert(xarm7.FLANGE_FROM_TOOL) @ pose(
    np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), np.array([0.0545, 0.0, 0.045])
)

MOST_TILT_DEG = 40.0
_LOWEST = 0.12  # m of the fingertips above the table, for objects that may still be there
_PLACES = (np.array([0.28, -0.28, _LOWEST + 0.02]), np.array([0.60, 0.28, 0.48]))  # of the tool, m in base
_CANDIDATES = 700
_STEEPEST = np.cos(np.deg2rad(65.0))  # of the line of sight: tags seen at a flatter angle are not detected
_LEAST_TAG_PX = 17.0
_BORDER_PX = 6.0
_ALIKE = (0.12, 0.35)  # m, rad: poses at least this far apart count as different
_MARGIN = 0.12  # rad of clearance to the joint limits
_SEED = 7


@dataclass(frozen=True, eq=False)
class PoseProposal:
    """A pose of the arm: `joints` (7,) rad, `base_from_tool` (4, 4); `visible`: per camera 0 (does not see the
    board) to 1 (sees it well); `tilt_deg` of the board against the orientation that faces the cameras."""

    joints: np.ndarray
    base_from_tool: np.ndarray
    visible: Mapping[str, float]
    tilt_deg: float


def look_around(
    joints: np.ndarray, limits: LimiterSettings = LimiterSettings(), count: int = 5
) -> tuple[PoseProposal, ...]:
    """Return a few poses in the middle of the workspace, the board facing front and sides, for a first view.

    Raises CalibrationError when none of them can be reached.
    """
    turns = np.deg2rad([0.0, 40.0, -40.0, 80.0, -80.0, 20.0, -20.0])[:count]
    down = np.diag([1.0, -1.0, -1.0])
    poses = [
        pose(Rotation.from_euler("zy", [turn, -0.35]).as_matrix() @ down, np.array([0.42, 0.0, 0.17])) for turn in turns
    ]
    found = batch_inverse(np.array(poses), xarm7.HOME)
    good = [i for i in range(len(poses)) if found.reached[i] and _free(found.position[i], limits)]
    if not good:
        raise CalibrationError("The arm cannot show the board anywhere within its limits. Check the workspace's box.")
    chosen = [PoseProposal(found.position[i], poses[i], {}, 0.0) for i in good]
    return _ordered(chosen, joints)


def rough_cameras(session: CalibrationSession) -> dict[str, Camera]:
    """Estimate the extrinsics of cameras that have seen the board; with few observations by the nominal mounting."""
    found = rough_rig(session, NOMINAL_MOUNT)
    if found is None:
        return {}
    rig, unknown = found
    return {
        entry.identity: Camera(
            entry.name,
            entry.intrinsics.width,
            entry.intrinsics.height,
            entry.intrinsics.K,
            invert(rig.camera_from_base[number]),
        )
        for number, entry in enumerate(session.cameras)
        if number not in unknown
    }


def propose_poses(
    cameras: Mapping[str, Camera],
    board: TagBoard,
    joints: np.ndarray,
    limits: LimiterSettings = LimiterSettings(),
    *,
    count: int = PLANNED_POSES,
    tool_from_board: np.ndarray = NOMINAL_MOUNT,
    most_tilt_deg: float = MOST_TILT_DEG,
) -> tuple[PoseProposal, ...]:
    """Return `count` poses, ordered for driving from `joints` (7,), each seen by as many cameras as possible.

    Args:
        cameras: May be rough (some centimetres, some degrees).

    Raises:
        CalibrationError: When too few poses are reachable and visible, saying what to change.
    """
    if not cameras:
        raise CalibrationError("No camera has seen the board yet. Let the arm look around first.")
    wanted, tilts = _candidates(cameras, tool_from_board, most_tilt_deg)
    visible = _visible(cameras, board, wanted @ tool_from_board)
    seen = np.flatnonzero((visible > 0).any(axis=1))
    found = batch_inverse(wanted[seen], xarm7.HOME)
    reached = [i for i in range(len(seen)) if found.reached[i] and _free(found.position[i], limits, tool_from_board)]
    if not len(seen) or len(reached) < LEAST_VIEWS:
        raise CalibrationError(
            f"Of {len(seen)} poses in which a camera would see the board the arm can reach {len(reached)}. Move the "
            "cameras so that they see the arm's workspace, or widen the workspace's box."
        )
    chosen = _chosen(wanted[seen[reached]], visible[seen[reached]], count)
    proposals = [
        PoseProposal(
            found.position[reached[i]],
            wanted[seen[reached[i]]],
            dict(zip(cameras, visible[seen[reached[i]]].tolist(), strict=True)),
            float(tilts[seen[reached[i]]]),
        )
        for i in chosen
    ]
    _check_seen(cameras, proposals)
    return _ordered(proposals, joints)


def _check_seen(cameras: Mapping[str, Camera], proposals: Sequence[PoseProposal]) -> None:
    for name, camera in cameras.items():
        views = sum(each.visible[name] > 0 for each in proposals)
        if views < LEAST_VIEWS:
            raise CalibrationError(
                f"The camera {camera.name} would see the board in {views} reachable poses; {LEAST_VIEWS} are needed. "
                "Turn it towards the middle of the workspace."
            )


def _candidates(
    cameras: Mapping[str, Camera], tool_from_board: np.ndarray, most_tilt_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sample base_from_tool (n, 4, 4), the board anywhere, facing one or all cameras, tilted; and tilts (n,) deg."""
    generator = np.random.default_rng(_SEED)
    eyes = np.array([camera.base_from_camera[:3, 3] for camera in cameras.values()])
    targets = np.concatenate([eyes, np.repeat(eyes.mean(axis=0)[None], max(1, len(eyes)), axis=0)])
    low, high = _PLACES
    poses, tilts = [], []
    for number in range(_CANDIDATES):
        place = generator.uniform(low, high)
        normal = targets[number % len(targets)] - place
        # Half the height towards the camera: otherwise the fingers would point away from the table.
        normal[2] *= 0.5
        normal /= np.linalg.norm(normal)
        right = np.cross([0.0, 0.0, -1.0], normal)  # the board's top faces down, to the fingers
        right /= np.linalg.norm(right)
        facing = np.stack([right, np.cross(normal, right), normal], axis=-1)
        axis = generator.normal(size=3) * [1.0, 1.0, 0.7]
        tilt = np.deg2rad(most_tilt_deg) * np.sqrt(generator.uniform(0.05, 1.0))
        turned = facing @ Rotation.from_rotvec(tilt * axis / np.linalg.norm(axis)).as_matrix()
        turned_tool = turned @ tool_from_board[:3, :3].T
        poses.append(pose(turned_tool, place))
        tilts.append(np.rad2deg(tilt))
    return np.array(poses), np.array(tilts)


def _visible(cameras: Mapping[str, Camera], board: TagBoard, base_from_board: np.ndarray) -> np.ndarray:
    """Return the visibility (n, C) in [0, 1] of the whole board in each camera at each pose (n, 4, 4)."""
    corners = board.points(board.ids).reshape(-1, 3)
    result = np.zeros((len(base_from_board), len(cameras)))
    for column, camera in enumerate(cameras.values()):
        camera_from_board = invert(camera.base_from_camera) @ base_from_board
        points = transform(camera_from_board[:, None], corners)
        front = (points[..., 2] > 0.1).all(axis=1)
        pixels = points[..., :2] / np.maximum(points[..., 2:], 0.1) * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
        size = np.array([camera.width, camera.height]) - 1.0
        inside = ((pixels > _BORDER_PX) & (pixels < size - _BORDER_PX)).all(axis=(1, 2))
        sight = camera_from_board[:, :3, 3]
        cosine = -np.einsum("ni,ni->n", camera_from_board[:, :3, 2], sight) / np.linalg.norm(sight, axis=1)
        sides = pixels.reshape(len(pixels), -1, 4, 2)
        edges = np.linalg.norm(sides - np.roll(sides, -1, axis=2), axis=-1).min(axis=(1, 2))
        good = front & inside & (cosine > _STEEPEST) & (edges > _LEAST_TAG_PX)
        result[:, column] = np.where(good, np.clip((cosine - _STEEPEST) / 0.3 + 0.1, 0.1, 1.0), 0.0)
    return result


def _free(joints: np.ndarray, limits: LimiterSettings, tool_from_board: np.ndarray = NOMINAL_MOUNT) -> bool:
    """Return whether the posture is within the limits and free of collisions, with the board clear of the table."""
    if not xarm7.within_limits(joints, _MARGIN) or limits.workspace.violation(arm_points(joints)).max() > -1e-3:
        return False
    board_low = (xarm7.forward(joints) @ tool_from_board)[2, 3] - 0.1
    return bool(board_low > 0.0) and collision_check(True, ()).touch(joints, 1.0) is None


def _chosen(poses: np.ndarray, visible: np.ndarray, count: int) -> list[int]:
    """Select indices of `count` poses greedily: each time the one that most helps the cameras with the fewest views and
    differs most from those already selected."""
    chosen: list[int] = []
    views = np.zeros(visible.shape[1])
    apart = np.full(len(poses), 1.5)
    turns = Rotation.from_matrix(poses[:, :3, :3])
    for _ in range(min(count, len(poses))):
        use = (visible / (1.0 + views)).sum(axis=1) / (1.0 / (1.0 + views)).sum()
        score = use + 0.5 * np.minimum(apart, 1.5)
        score[chosen] = -np.inf
        best = int(np.argmax(score))
        chosen.append(best)
        views += visible[best] > 0
        metres = np.linalg.norm(poses[:, :3, 3] - poses[best, :3, 3], axis=1) / _ALIKE[0]
        radians = (turns[best].inv() * turns).magnitude() / _ALIKE[1]
        apart = np.minimum(apart, np.hypot(metres, radians) / 2)
    return chosen


def _ordered(proposals: Sequence[PoseProposal], joints: np.ndarray) -> tuple[PoseProposal, ...]:
    """Order the poses greedily: the next one is always the nearest in joint space."""
    left, here, order = list(proposals), joints, []
    while left:
        nearest = min(range(len(left)), key=lambda i: float(np.abs(left[i].joints - here).max()))
        order.append(left.pop(nearest))
        here = order[-1].joints
    return tuple(order)
