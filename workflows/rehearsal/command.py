"""The command `rehearse run`: the same steps as on the Rehearse screen, without a window."""

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foundation import xarm7
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.errors import KnownError
from model.checkpoints.default_weights import embedded_weights
from model.service.client import ModelProcess
from robot.state import ArmState
from workflows import settings as program_settings
from workflows.camera_watchdog import CameraWatchdog
from workflows.cancellation import Report, silently
from workflows.proposals.model_source import GenerationSettings, ModelSource
from workflows.proposals.proposal import Source
from workflows.proposals.receding_horizon import Cover, RecedingHorizonSource, segments_approval_for
from workflows.rehearsal.facts import Part
from workflows.rehearsal.rehearsal import DemonstratorSource, Rehearsal, ReplaySource
from workflows.session import NotConnectedError, Session
from workflows.settings import ArmSettings, ProgramSettings
from workflows.unattended import heartbeat, make_ready

_SETTLE = 0.3  # s between the end of the motion and the lab's verdict: released objects come to rest


class SourceError(KnownError):
    """The requested source does not exist, or something it needs is missing."""


@dataclass(frozen=True)
class Request:
    """Arguments of the command. `model`: folder of the model, None for the embedded one; `seed`: selects the lab's
    scene and forces the simulated lab, None: as in the settings."""

    instruction: str
    source: str = "model"
    model: Path | None = None
    trajectory: Path | None = None
    seed: int | None = None
    approve: bool = False
    parts: int = 1
    candidates: int = 1
    mode: str | None = None
    steps: int | None = None
    generation_seed: int | None = None
    speed: float = 1.0
    library: Path | None = None


def rehearse(request: Request, report: Report = silently, *, deadlines: Deadlines = PRODUCTION) -> dict[str, Any]:
    """Propose and plan; with `approve`, also run and judge. The result is plain data for JSON.

    Raises KnownError for every fault that the operator can fix.
    """
    _check(request)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        session = Session(_settings(request), deadlines=deadlines)
        stack.callback(session.close)
        session.open(report)
        robot = session.robot
        if robot is None:
            raise NotConnectedError(session.problems.get("arm", "The arm is not connected."))
        stack.enter_context(heartbeat(robot))
        robot.wait_for(ArmState.NOT_ENABLED, ArmState.NOT_READY, ArmState.STOPPED)
        opened = time.monotonic() - began
        rehearsal = Rehearsal(session, operator="command line", library=request.library)
        source = _source(request, session, stack)
        told = _in_parts(rehearsal, source, request, report)
        return {**_result(rehearsal, opened, time.monotonic() - began), "parts": told}


def as_text(result: dict[str, Any]) -> str:
    """Format the result as text."""
    lines = [f"{finding['level']}: {finding['sentence']}" for finding in result["findings"]]
    lines.append(f"Planned: {result['plan_s']:.1f} s of motion, stored in {result['folder']}.")
    if result["ran"]:
        lines.append(f"Ran; the tool was within {result['tracking_error_p95_mm']:.1f} mm for 95 % of the way.")
        lines += [result["reason"]] if result["reason"] else []
    elif result["executable"]:
        lines.append("Nothing has moved. Add --approve to run it.")
    else:
        lines.append("It must not be run.")
    return "\n".join(lines)


def _settings(request: Request) -> ProgramSettings:
    settings, _ = program_settings.load()
    if request.seed is not None:
        lab = replace(settings.lab, seed=request.seed, instruction=request.instruction)
        return replace(settings, arm=ArmSettings(), lab=lab)
    if settings.arm.kind == program_settings.SIMULATED and request.source != "replay":
        return replace(settings, lab=replace(settings.lab, instruction=request.instruction))
    return settings


def _check(request: Request) -> None:
    """Raise SourceError for missing inputs before anything is opened."""
    if request.source == "replay" and request.trajectory is None:
        raise SourceError("A replay needs a trajectory: add --trajectory FILE.")
    if request.source == "model" and request.model is None and embedded_weights() is None:
        raise SourceError("The program came without the embedded model's weights. Name a model with --model.")


def _source(request: Request, session: Session, stack: contextlib.ExitStack) -> Source:
    if request.source == "model":
        folder = request.model or embedded_weights()
        assert folder is not None  # checked in `_check`
        asking = GenerationSettings(
            request.mode, candidates=request.candidates, steps=request.steps, seed=request.generation_seed
        )
        return ModelSource(stack.enter_context(ModelProcess(folder)), asking)
    if request.source == "demonstrator":
        return DemonstratorSource(session)
    assert request.trajectory is not None
    return ReplaySource(session, request.trajectory)


def _in_parts(rehearsal: Rehearsal, source: Source, request: Request, report: Report) -> list[dict[str, Any]]:
    """Run the parts one after the other, each from a new observation, until the task is done; return a record of each.

    `--approve` approves them all at once: this instruction, this many parts, within a box around the first one's path.
    """
    told, cover, first = [], None, ""
    for number in range(1, request.parts + 1):
        asked, part = source, None
        if request.parts > 1:
            asked, part = RecedingHorizonSource(source, number, request.parts), Part(number, request.parts, first)
        rehearsal.propose(request.instruction, asked, report, part=part)
        first = first or str(rehearsal.proposal.id if rehearsal.proposal else "")
        told.append({"number": number, "id": rehearsal.proposal.id if rehearsal.proposal else ""})
        if not request.approve:
            break
        if number == 1:
            robot = rehearsal.session.robot
            assert robot is not None  # else there was no proposal
            make_ready(robot)
            cover = _cover(rehearsal, request)
        done = _approve_and_run(rehearsal, request.speed, cover, last=number == request.parts)
        told[-1] |= {"success": rehearsal.outcome and rehearsal.outcome.success}
        if done:
            break
    return told


def _cover(rehearsal: Rehearsal, request: Request) -> Cover | None:
    robot, plan, proposal = rehearsal.session.robot, rehearsal.plan, rehearsal.proposal
    if request.parts < 2 or robot is None or plan is None or proposal is None:
        return None
    workspace = robot.limits.workspace
    box = (np.asarray(workspace.low), np.asarray(workspace.high))
    return rehearsal.allow(segments_approval_for(plan, proposal, request.parts, request.speed, box))


def _approve_and_run(rehearsal: Rehearsal, speed: float, cover: Cover | None, *, last: bool) -> bool:
    """Approve and run one part; return True when nothing is left to do: success, failure, or the last part."""
    session, robot = rehearsal.session, rehearsal.session.robot
    assert robot is not None
    watched = {session.names[identity]: capture for identity, capture in session.captures.items()}
    with CameraWatchdog(robot, watched) as watch:
        rehearsal.approve(cover)
        rehearsal.run(speed)

        def seen() -> None:
            if watch.reason:
                robot.stop()

        run = rehearsal.wait(seen)
    time.sleep(_SETTLE)
    note = watch.reason or run.fault
    verdict = None if session.lab is None else session.lab.judge(rehearsal.proposal.instruction)  # type: ignore[union-attr]
    success = False if note else (None if verdict is None else verdict.success)
    done = last or bool(note) or success is True
    rehearsal.finish(success if done else None, note or ("" if verdict is None else verdict.reason))
    return done


def _tool(rehearsal: Rehearsal) -> dict[str, Any] | None:
    """Return the true final tool position, and the errors of the measured position and of the plan's end against it."""
    session, plan = rehearsal.session, rehearsal.plan
    status = None if session.robot is None else session.robot.status
    if session.lab is None or status is None or plan is None:
        return None
    said = xarm7.forward(status.position)[:3, 3]
    truth = session.lab.truth().base_from_tool[:3, 3]
    wanted = xarm7.forward(plan.motion.position[-1])[:3, 3]
    off = {"said": said - truth, "plan": wanted - truth}
    return {
        "truth_m": [round(float(value), 5) for value in truth],
        **{f"{name}_error_mm": round(1000 * float(np.linalg.norm(apart)), 3) for name, apart in off.items()},
    }


def _result(rehearsal: Rehearsal, opened: float, total: float) -> dict[str, Any]:
    plan, run, outcome, tracking = rehearsal.plan, rehearsal.current_run, rehearsal.outcome, rehearsal.tracking
    proposal = rehearsal.proposal
    assert plan is not None and proposal is not None
    return {
        "instruction": proposal.instruction,
        "source": proposal.source,
        "id": proposal.id,
        "folder": str(rehearsal.folder),
        "executable": plan.executable,
        "digest": plan.digest,
        "plan_s": round(plan.motion.duration, 3),
        "findings": [finding.to_dict() for finding in plan.findings],
        "ran": run is not None,
        "tracking_error_p95_mm": None if tracking is None else tracking.error_p95_mm,
        "tool": _tool(rehearsal) if run is not None else None,
        "success": None if outcome is None else outcome.success,
        "reason": "" if outcome is None else outcome.note,
        "seconds": {name: round(s, 3) for name, s in {"open": opened, **rehearsal.seconds, "total": total}.items()},
    }
