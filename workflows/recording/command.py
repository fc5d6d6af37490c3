"""The command `rehearse record`: the same steps as on the Record screen, without a window."""

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foundation.deadlines import PRODUCTION, Deadlines
from storage.episodes.documents import checked_instruction
from storage.episodes.writer import LEAST_FREE
from storage.library import Library
from storage.queries import episode
from workflows import settings as program_settings
from workflows.cancellation import Report, silently
from workflows.recording.demonstrations import DEMONSTRATOR, Demonstration, Demonstrations
from workflows.recording.recorder import Recorder, RecordError, RecordRequest
from workflows.recording.sources import arm_of, views_of
from workflows.recording.virtual_time import record_in_virtual_time
from workflows.session import NotConnectedError, Session
from workflows.settings import ArmSettings, ProgramSettings
from workflows.unattended import heartbeat, make_ready


@dataclass(frozen=True)
class Request:
    """Arguments of the command. `seed`: of the first bench; `library`: its folder, None: as in the settings;
    `real_time`: through the SDK, the sockets and the cameras, instead of in virtual time."""

    task: str
    episodes: int = 1
    seed: int = 0
    library: Path | None = None
    operator: str = ""
    real_time: bool = False
    least_free: int = LEAST_FREE


def record(request: Request, report: Report = silently, *, deadlines: Deadlines = PRODUCTION) -> dict[str, Any]:
    """Let the lab's scripted demonstrator do the task, and record it. The result is plain data for JSON.

    Raises KnownError for every fault that the operator can fix; what was recorded until then stays in the library.
    """
    if request.episodes < 1:
        raise RecordError("At least one episode must be asked for.")
    began = time.monotonic()
    settings, _ = program_settings.load()
    folder = request.library or settings.library_folder
    what = RecordRequest(checked_instruction(request.task), DEMONSTRATOR, request.operator or settings.operator)
    with Library(folder) as library:
        for notice in library.notices:
            report(notice, 0.0)
        if request.real_time:
            demonstrations = _in_real_time(library, request, what, settings, report, deadlines)
        else:
            demonstrations = _in_virtual_time(library, request, what, settings, report)
        return _result(library, request, demonstrations, time.monotonic() - began)


def as_text(result: dict[str, Any]) -> str:
    """Format the result as text."""
    lines = []
    for number, each in enumerate(result["episodes"], 1):
        word = "done" if each["success"] else "failed"
        lines.append(f"{number}: {word}, {each['duration_s']:.1f} s, {each['dropped']} pictures lost. {each['reason']}")
    lines.append(f"{result['kept']} episodes kept, {result['successes']} successful, in {result['library']}.")
    return "\n".join(lines)


def _in_virtual_time(
    library: Library, request: Request, what: RecordRequest, settings: ProgramSettings, report: Report
) -> list[Demonstration]:
    return record_in_virtual_time(
        library,
        what,
        request.episodes,
        seed=request.seed,
        lab=settings.lab,
        least_free=request.least_free,
        report=report,
    )


def _in_real_time(
    library: Library,
    request: Request,
    what: RecordRequest,
    settings: ProgramSettings,
    report: Report,
    deadlines: Deadlines,
) -> list[Demonstration]:
    """Record through the lab's process, the SDK and the cameras; always in the lab, as no operator supervises it."""
    lab = replace(settings.lab, seed=request.seed, instruction=request.task)
    with contextlib.ExitStack() as stack:
        session = Session(replace(settings, arm=ArmSettings(), lab=lab), deadlines=deadlines)
        stack.callback(session.close)
        session.open(report)
        robot = session.robot
        if robot is None:
            raise NotConnectedError(session.problems.get("arm", "The arm is not connected."))
        stack.enter_context(heartbeat(robot))
        make_ready(robot)
        recorder = Recorder(library, views_of(session), arm_of(session), least_free=request.least_free)
        stack.callback(recorder.close)
        return Demonstrations(session, recorder).record(what, request.episodes, seed=request.seed, report=report)


def _result(library: Library, request: Request, demonstrations: list[Demonstration], seconds: float) -> dict[str, Any]:
    return {
        "task": request.task,
        "library": str(library.folder),
        "episodes": [_episode(library, each) for each in demonstrations],
        "kept": len(demonstrations),
        "successes": sum(each.kept.success is True for each in demonstrations),
        "seconds": round(seconds, 2),
    }


def _episode(library: Library, demonstration: Demonstration) -> dict[str, Any]:
    row = episode(library.database, demonstration.kept.id)
    return {
        "id": str(row.id),
        "folder": str(library.episode_folder(row.id)),
        "seed": demonstration.seed,
        "success": row.success,
        "reason": demonstration.reason,
        "duration_s": round(row.duration_s, 3),
        "frames": row.frames,
        "samples": row.samples,
        "dropped": row.dropped,
        "quality": row.quality,
    }
