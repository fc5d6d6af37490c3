"""OpenCV's five closed forms on the same detections: each camera solved alone, and measured alone."""

import numpy as np

from benchmarks.calibration_scenes import KnownCase, true_cameras
from cameras.rig_start import CLOSED_FORMS, board_pose, hand_eye
from workflows.calibrate import rig_data
from workflows.calibrate_lab import workspace_errors


def opencv_errors(case: KnownCase) -> dict[str, np.ndarray]:
    """mm (n,) of the workspace's points, camera by camera, by method; infinite where a method gives nothing."""
    data, truth = rig_data(case.session), true_cameras(case.scene)
    seen = {}
    for number, camera in enumerate(case.session.cameras):
        views = data.of_camera(number)
        boards = np.array([board_pose(view.points, view.pixels, data.lenses[number]) for view in views])
        seen[camera.identity] = (data.base_from_tool[[view.pose for view in views]], boards)
    errors = {}
    for method in CLOSED_FORMS:
        found = {identity: hand_eye(arm, boards, method) for identity, (arm, boards) in seen.items()}
        known = {identity: place for identity, place in found.items() if place is not None}
        complete = len(known) == len(truth)
        errors[method] = workspace_errors(known, truth)[1] if complete else np.array([np.inf])
    return errors
