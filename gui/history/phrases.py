"""Texts for past rehearsals: the request, its approval, and the outcome."""

from datetime import datetime
from typing import Any

from gui.widgets.times import when
from storage.rehearsal_list import RehearsalRow
from workflows.rehearsal.facts import THIS_PROGRAM
from workflows.rehearsal.review import RehearsalReview

_SOURCES = {
    "model": "Model",
    "demonstrator": "Script",
    "replay": "Replay",
    "edited": "Edited by hand",
    "what if": "Tried out",
}


def source(name: str) -> str:
    return _SOURCES.get(name, name.capitalize())


def ending(row: RehearsalRow) -> tuple[str, str, str]:
    """Return the outcome in two or three words, with a colour of the theme and an icon."""
    if row.rejected is not None:
        return "Rejected", "muted", "cross"
    if row.ended == "running":
        return ("Running", "accent", "play") if row.run_by == THIS_PROGRAM else ("Not finished", "warning", "warning")
    if row.ended:
        if row.success is None:
            return ("Stopped early" if row.ended == "stopped" else "Not judged"), "warning", "warning"
        return ("Success", "success", "check") if row.success else ("Failure", "danger", "cross")
    if not row.executable:
        return "Could not be done", "danger", "cross"
    return (
        ("Approved, not run", "warning", "info") if row.approved_by is not None else ("Watched only", "muted", "info")
    )


def second_line(row: RehearsalRow) -> str:
    """Return the line below the instruction: date, source, and who approved it."""
    approved = "" if row.approved_by is None else f"approved by {row.approved_by or 'somebody without a name'}"
    part = "" if row.part is None else f"part {row.part['number']}"
    return "  ·  ".join(each for each in (when(row.made_at), source(row.source), part, approved) if each)


def facts(record: dict[str, Any]) -> dict[str, str]:
    """Return all facts about a rehearsal by name, as text."""
    found = {"Asked by": _named(record.get("operator", ""))}
    if model := record.get("model"):
        how = f"{model['mode']}, {model['steps']} steps, seed {model['seed']}"
        of = f", {_ordinal(model['rank'])} of {model['candidates']}" if model["candidates"] > 1 else ""
        found["Model"] = f"{model['folder'].rstrip('/').rsplit('/', 1)[-1]} ({model['fingerprint']}); {how}{of}"
    if part := record.get("part"):
        found["Part"] = f"{part['number']} of at most {part['most']}"
    found |= _approvals(record)
    found |= _run(record)
    if record.get("rejected") is not None:
        found["Rejected"] = record["rejected"] or "without a reason"
    if outcome := record.get("outcome"):
        said = {True: "success", False: "failure", None: "not judged"}[outcome["success"]]
        found["Outcome"] = f"{said}. {outcome['note']}" if outcome["note"] else said
    if record.get("episode"):
        found["Kept"] = "as a demonstration in the library"
    return found


def off_the_plan(review: RehearsalReview) -> str:
    """Summarise the tracking error, or say why it is not known."""
    off = None if review.tracking is None else review.tracking.off_the_plan
    if off is not None:
        most = f"{off.p95_mm:.1f} or less for 95 % of the way, {off.most_mm:.1f} at most"
        return f"Off the plan, mm: {off.median_mm:.1f} in the middle, {most}"
    run = review.record.get("run")
    if run is None:
        return "This motion was not run: there is nothing to compare it with."
    return "This motion was begun. What the arm did is not stored, so there is nothing to compare it with."


def _approvals(record: dict[str, Any]) -> dict[str, str]:
    approvals = record.get("approvals") or []
    if not approvals:
        return {"Approved": "by nobody"}
    last = approvals[-1]
    more = f" (given {len(approvals)} times)" if len(approvals) > 1 else ""
    covered = f", covered by: {record['covered_by']}" if record.get("covered_by") else ""
    found = {
        "Approved": f"by {_named(last['who'])}, {_moment(last['when'])}{more}{covered}",
        "Exactly this plan": f"SHA-256 {last['digest'][:16]}…",
    }
    if record.get("revoked"):
        found["Taken back"] = record["revoked"]
    return found


def _run(record: dict[str, Any]) -> dict[str, str]:
    run = record.get("run")
    if not run:
        return {}
    found = {"Run": f"{_moment(run['began'])}, at {100 * run['speed']:.0f} % of the planned speed"}
    if not run["over"]:
        here = run.get("program") == THIS_PROGRAM
        found["Ended"] = "It has not ended yet." if here else "Begun; the program ended before the motion was finished."
    elif run["fault"]:
        found["Ended"] = f"at {100 * run['progress']:.0f} % of the way. {run['fault']}"
    if (error := record.get("tracking_error_p95_mm")) is not None:
        found["Off the plan"] = f"{error:.1f} mm or less for 95 % of the way"
    if record.get("film"):
        found["Film"] = record["film"]
    return found


def _named(name: str) -> str:
    return name or "somebody without a name"


def _moment(text: str) -> str:
    return when(datetime.fromisoformat(text))


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
