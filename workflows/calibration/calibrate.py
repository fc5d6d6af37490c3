"""Solve the camera rig: from views of the board to the cameras' extrinsics, with faults detected first."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from cameras.calibration.coverage import regions_of
from cameras.calibration.rig_data import Rig, RigData, RigView
from cameras.calibration.rig_faults import find_elsewhere, find_slip, find_wrong_size, wrong_order
from cameras.calibration.rig_model import Freedom
from cameras.calibration.rig_quality import GRID, HalfSplit, HeldOut, expected_errors, hold_out, split_halves
from cameras.calibration.rig_solve import Solution, reweighted, solve_rig
from cameras.calibration.rig_start import NoInitialGuess, initial_rig
from foundation.poses import invert, pose
from workflows.calibration.observations import (
    LEAST_VIEWS,
    ArmAccuracy,
    BoardSlipped,
    CalibrationError,
    CalibrationSession,
    CameraEntry,
    Delay,
    Missing,
    Observation,
    WrongTagSize,
)
from workflows.calibration.report import CalibrationReport, CameraReport, Dropped, ErrorMap, Verdict, report_with_delays
from workflows.cancellation import Cancellation, Report, silently

__all__ = [
    "ArmAccuracy",
    "BoardSlipped",
    "CalibrationError",
    "CalibrationReport",
    "CalibrationSession",
    "CameraEntry",
    "CameraReport",
    "Delay",
    "Dropped",
    "ErrorMap",
    "Missing",
    "Observation",
    "Verdict",
    "WrongTagSize",
    "report_with_delays",
    "solve",
]

_LEAST_KEPT = 0.7  # share of the poses: when more are inconsistent, none of them can be trusted
_LENS_VIEWS, _LENS_REGIONS = 20, 7  # views and image regions of each camera, needed to refine its intrinsics


def solve(
    session: CalibrationSession,
    *,
    refine_lens: bool = False,
    report: Report = silently,
    token: Cancellation | None = None,
) -> CalibrationReport:
    """Solve for the cameras' extrinsics and their accuracy; takes some seconds.

    Args:
        session: The board, the cameras and their observations.
        refine_lens: Also refine the intrinsics, if every camera has enough views for that.

    Raises:
        CalibrationError: With what is wrong and what to do.
    """
    token = token or Cancellation()
    report("Looking at what was seen", 0.0)
    data = rig_data(session)
    _check_enough(session)
    if wrong_order(data):
        raise CalibrationError(
            "The tags do not lie on the board as it is described. Check rows, columns, gap and first number, and that "
            "the board is flat and not printed mirrored."
        )
    try:
        first, _ = initial_rig(data)
    except NoInitialGuess as error:
        raise CalibrationError(str(error)) from error
    report("Checking the board", 0.1)
    _check_size(session, data, first)
    token.raise_if_cancelled()
    freedom = Freedom(lenses=refine_lens and _lenses_supported(session))
    report("Solving for all cameras and poses", 0.25)
    solution, dropped = _solution(session, data, first, freedom)
    token.raise_if_cancelled()
    report("Measuring on poses held out", 0.5)
    held = hold_out(solution, freedom)
    token.raise_if_cancelled()
    report("Comparing the halves", 0.8)
    halves = split_halves(solution, freedom)
    return _reported(session, solution, held, halves, dropped, freedom)


def rig_data(session: CalibrationSession) -> RigData:
    """Return the session's views as plain arrays: cameras and poses by their index in it."""
    numbers = {camera.identity: number for number, camera in enumerate(session.cameras)}
    views = tuple(
        RigView(numbers[identity], index, session.board.points(view.ids).reshape(-1, 3), view.pixels)
        for index, observation in enumerate(session.observations)
        for identity, view in observation.views.items()
        if identity in numbers
    )
    return RigData(
        tuple(camera.intrinsics for camera in session.cameras),
        np.array([each.base_from_tool for each in session.observations]).reshape(-1, 4, 4),
        np.array([each.mount for each in session.observations], int),
        views,
        session.arm.position,
        session.arm.rotation,
    )


def _check_enough(session: CalibrationSession) -> None:
    if not session.cameras:
        raise CalibrationError("No camera takes part. Connect one and choose it in the set-up.")
    counts = {camera.name: len(session.views_of(camera.identity)) for camera in session.cameras}
    if not any(counts.values()):
        raise CalibrationError(
            "No camera has seen the board. Fasten it to the gripper facing the cameras, and check that its tags are "
            f"numbers {session.board.ids[0]} to {session.board.ids[-1]} of {session.board.family}."
        )
    for name, count in counts.items():
        if count < LEAST_VIEWS:
            raise CalibrationError(
                f"The camera {name} saw the board in {count} poses; {LEAST_VIEWS} are needed. Take poses that face it, "
                "or leave it out."
            )


def _check_size(session: CalibrationSession, data: RigData, first: Rig) -> None:
    wrong = find_wrong_size(data, first)
    if wrong is None:
        return
    described, true = session.board.tag_size, session.board.tag_size * wrong.factor
    raise WrongTagSize(
        f"The arm's motion says that the tags are {1000 * true:.1f} mm large, not {1000 * described:.1f} mm. Measure "
        "a black square with a ruler, enter its size, and solve again.",
        true,
    )


def _lenses_supported(session: CalibrationSession) -> bool:
    for camera in session.cameras:
        views = session.views_of(camera.identity)
        regions = np.any([regions_of(view.pixels, view.width, view.height) for view in views], axis=0)
        if len(views) < _LENS_VIEWS or regions.sum() < _LENS_REGIONS:
            return False
    return True


def _solution(
    session: CalibrationSession, data: RigData, first: Rig, freedom: Freedom
) -> tuple[Solution, list[Dropped]]:
    """Solve, detect outliers, and solve again without them."""
    solution = solve_rig(data, first, freedom)
    slip = find_slip(solution)
    if slip is not None:
        raise BoardSlipped(
            f"The board has moved on the gripper after pose {slip.pose} of {len(session.observations)} (by "
            f"{1000 * slip.metres:.1f} mm, {np.rad2deg(slip.radians):.1f} degrees). Fasten it and repeat the later "
            "poses, or go on with the board as it is now.",
            slip.pose - 1,
        )
    dropped = [_dropped_view(session, data, number) for number in solution.dropped]
    while elsewhere := find_elsewhere(solution):
        dropped += [
            Dropped(index, "", f"the arm was {mm:.1f} mm from where it said, unlike in the other poses")
            for index, mm in elsewhere
        ]
        kept = np.setdiff1d(solution.data.seen_poses, [index for index, _ in elsewhere])
        if len(kept) < max(LEAST_VIEWS, _LEAST_KEPT * len(session.observations)):
            raise CalibrationError(
                "The arm's word and the pictures do not fit together in many poses. Check that the base is bolted "
                "down, that the tool's settings in the controller are right, and that the board is firm."
            )
        solution = solve_rig(solution.data.with_poses(kept), solution.rig, freedom, drop=False)
    return reweighted(solution, freedom), dropped


def _dropped_view(session: CalibrationSession, data: RigData, number: int) -> Dropped:
    view = data.views[number]
    return Dropped(view.pose, session.cameras[view.camera].identity, "this view contradicts all others")


def _reported(
    session: CalibrationSession,
    solution: Solution,
    held: HeldOut,
    halves: HalfSplit,
    dropped: list[Dropped],
    freedom: Freedom,
) -> CalibrationReport:
    data, rig = solution.data, solution.rig
    corrections = rig.correction[data.seen_poses]
    turns = Rotation.from_rotvec(rig.correction[:, 3:]).as_matrix()
    points_mm = held.points_mm if len(held.points_mm) else held.view_mm[np.isfinite(held.view_mm)]
    expected, seen_by = expected_errors(solution)
    return CalibrationReport(
        cameras=tuple(_camera(session, solution, held, halves, number) for number in range(len(session.cameras))),
        tool_from_board=tuple(rig.tool_from_board),
        poses=data.base_from_tool @ pose(turns, rig.correction[:, :3]),
        held_out_px=_rms(held.view_px),
        held_out_mm=_rms(points_mm),
        held_out_worst_mm=float(points_mm.max(initial=0.0)) if len(points_mm) else float("nan"),
        half_split_mm=float(halves.mm.max()),
        half_split_deg=float(halves.deg.max()),
        expected_mm=float(np.nanmedian(expected)) if np.isfinite(expected).any() else float("nan"),
        arm_error_mm=1000 * _rms(corrections[:, :3]),
        arm_error_deg=float(np.rad2deg(_rms(corrections[:, 3:]))),
        error_map=ErrorMap(GRID, expected, seen_by),
        dropped=tuple(dropped),
        lens_refined=freedom.lenses,
    )


def _camera(
    session: CalibrationSession, solution: Solution, held: HeldOut, halves: HalfSplit, number: int
) -> CameraReport:
    entry, views = session.cameras[number], solution.data.views
    mine = np.array([view.camera == number for view in views])
    each = np.repeat(mine, [len(view.pixels) for view in views])
    pixels = np.concatenate([view.pixels for view in views])[each]
    lens = solution.rig.lenses[number]
    return CameraReport(
        entry.identity,
        entry.name,
        lens,
        invert(solution.rig.camera_from_base[number]),
        int(mine.sum()),
        _rms(held.view_px[mine]),
        _rms(held.view_mm[mine]),
        float(halves.mm[number]),
        float(halves.deg[number]),
        regions_of(pixels, lens.width, lens.height),
        pixels,
        solution.pixel_errors[each],
        np.repeat([view.pose for view in views], [len(view.pixels) for view in views])[each],
        session.delays.get(entry.identity),
    )


def _rms(values: np.ndarray) -> float:
    values = np.asarray(values, float).ravel()
    values = values[np.isfinite(values)]
    return float(np.sqrt((values**2).mean())) if len(values) else float("nan")


def rough_rig(session: CalibrationSession, nominal_mount: np.ndarray) -> tuple[Rig, tuple[int, ...]] | None:
    """Return an initial rig, which needs only one observation, and the indices of the cameras still unknown."""
    data = replace(rig_data(session))
    if not data.views:
        return None
    return initial_rig(data, nominal_mount)
