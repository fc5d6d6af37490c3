"""Freezes of processes in every state of the arm: does any unwanted motion continue afterwards?"""

import time

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.station import STATES, Station
from robot.state import ArmState

PROCESSES = ("window", "robot", "box")
_LOOK = 0.8  # s after it resumed
_STILL = 0.05  # m: a silent window's stop is a smooth one, and may still be under way when the window resumes
_MOVING = (ArmState.FOLLOWING, ArmState.JOGGING, ArmState.HAND_GUIDING, ArmState.PAUSED)


def checks(times: int, seed: int = 19_001) -> list[Check]:
    """Run `times` freezes of 0.25 to 1.5 s of every process in every state."""
    generator = np.random.default_rng(seed)
    resumed, moves, approvals = [], {process: [0.0] for process in PROCESSES}, 0
    with Station() as station:
        for state in STATES:
            for process in PROCESSES:
                for _ in range(times):
                    held_up = float(generator.uniform(0.25, 1.5))
                    station.bring(state)
                    with station.frozen(process):
                        time.sleep(held_up)
                        before = station.tool if process != "box" else None
                    before = station.tool if before is None else before
                    time.sleep(_LOOK)
                    moved = float(np.linalg.norm(station.tool - before))
                    if state != "hand guiding":  # a hand and the residue of gravity move the arm there
                        moves[process].append(1000.0 * moved)
                    status = station.robot.status if not station.robot.lost else None
                    goes_on = status is not None and status.state in _MOVING
                    if goes_on or moved > _STILL:
                        resumed.append((state, process, round(held_up, 2), round(1000 * moved), str(status)[:60]))
                    approvals += status is not None and bool(status.staged)
                say(f"{state}, {process} held up: {times} times, {len(resumed)} went on so far")
    for each in resumed:
        say(f"went on: {each}")
    return [
        Check("resumed_motions", len(resumed), "", "= 0"),
        Check("approvals_left_after_gap", approvals, "", "= 0"),
        *(Check(f"largest_move_after_gap_mm_{name}", max(values), "mm", "") for name, values in moves.items()),
    ]
