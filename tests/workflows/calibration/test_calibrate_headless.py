"""`rehearse calibrate`: its output, and the arm's error it injects. The run itself: test_calibrate_drive.py."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.scenes import case
from foundation import xarm7
from foundation.poses import distance
from workflows.calibration.calibrate import Delay, report_with_delays, solve
from workflows.calibration.command import ROBOT_ERROR, CalibratedLab, as_text, result_of, with_robot_error
from workflows.calibration.lab import board_scene, calibration_scene


@pytest.fixture(scope="module")
def done():
    known = case(7, poses=16, cameras=2)
    late = {f"lab:{spec.name}": spec.stamped_late for spec in known.scene.cameras}
    session = replace(known.session, delays={k: Delay(v - 0.005, 0.001, 60) for k, v in late.items()})
    return CalibratedLab(known.scene, session, report_with_delays(solve(session), session))


def test_the_result_is_json_and_tells_the_truth(done):
    result = json.loads(json.dumps(result_of(done), allow_nan=False))
    assert result["true_workspace_median_mm"] < 1.5 and result["poses"] == 16
    assert result["arm_late_ms"] == pytest.approx(5.0)
    for each in result["cameras"]:
        assert each["true_delay_error_ms"] == pytest.approx(0.0, abs=1e-6)
        assert each["true_position_mm"] < 5.0 and len(each["base_from_camera"]) == 4
    text = as_text(result)
    assert "left: held out" in text and "Against the simulation's truth" in text


def test_without_a_sweep_nothing_is_said_of_delays(done):
    session = replace(done.session, delays={})
    result = result_of(CalibratedLab(done.scene, session, report_with_delays(done.report, session)))
    assert result["arm_late_ms"] is None and result["cameras"][0]["delay_ms"] is None
    json.dumps(result, allow_nan=False)


def test_the_injected_error_has_the_size_it_says(done):
    exact = replace(
        done.session,
        observations=tuple(replace(o, base_from_tool=xarm7.forward(o.joints)) for o in done.session.observations * 10),
    )
    told = with_robot_error(exact, 3)
    apart = [
        distance(a.base_from_tool, b.base_from_tool) for a, b in zip(exact.observations, told.observations, strict=True)
    ]
    metres, radians = np.array(apart).T
    assert np.sqrt((metres**2).mean() / 3) == pytest.approx(ROBOT_ERROR[0], rel=0.15)
    assert np.sqrt((radians**2).mean() / 3) == pytest.approx(ROBOT_ERROR[1], rel=0.15)


def test_a_bench_is_cleared_for_the_board():
    scene = board_scene(calibration_scene(1, 2))
    assert scene.gripper_board and not scene.objects and scene.tags and len(scene.cameras) == 2
