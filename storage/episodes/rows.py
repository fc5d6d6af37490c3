"""Database rows of episodes from their folders, in bulk within one transaction."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.clocks import utc_now
from storage.database import tables
from storage.episodes.documents import Calibration, Facts, Labels, ViewSpec

_NAMES = uuid.UUID("5b6f6b6e-62f1-4d2c-9d3e-0f6c1c0a7d11")


def add_episodes(session: Session, episodes: Sequence[tuple[Facts, Labels]]) -> int:
    """Add the missing episodes with everything they refer to; return their number."""
    ids = [facts.id for facts, _ in episodes]
    there = set(session.scalars(select(tables.Episode.id).where(tables.Episode.id.in_(ids))))
    new = [(facts, labels) for facts, labels in episodes if facts.id not in there]
    if not new:
        return 0
    specs = [spec for facts, _ in new for spec in facts.started.new.views]
    cameras = _cameras(session, specs)
    _calibrations(session, specs, cameras)
    tasks = task_ids(session, {labels.instruction: labels.paraphrases for _, labels in new})
    tags = tag_ids(session, {tag for _, labels in new for tag in labels.tags})
    texts = [_text(facts, labels) for facts, labels in new]
    added = insert(tables.EpisodeText).returning(tables.EpisodeText.row, sort_by_parameter_order=True)
    rows = session.scalars(added, texts).all()
    session.execute(
        insert(tables.Episode),
        [_episode(f, x, tasks[x.instruction], row) for (f, x), row in zip(new, rows, strict=True)],
    )
    session.execute(insert(tables.View), [row for facts, _ in new for row in _views(facts, cameras)])
    _insert(session, tables.Finding, [row for facts, _ in new for row in _findings(facts)])
    links = [{"episode_id": f.id, "tag_id": tags[tag]} for f, x in new for tag in dict.fromkeys(x.tags)]
    _insert(session, tables.EpisodeTag, links)
    return len(new)


def task_ids(session: Session, tasks: dict[str, Iterable[str]]) -> dict[str, uuid.UUID]:
    """Return the ids of tasks by instruction; missing tasks and paraphrases are created."""
    at = utc_now()
    add_missing(
        session,
        tables.Task,
        [{"id": known_as("task", i), "instruction": i, "made_at": at} for i in tasks],
        ["instruction"],
    )
    found = _ids(session, tables.Task.instruction, tables.Task.id, tasks)
    paraphrases = [
        {"id": uuid.uuid4(), "task_id": found[instruction], "text": text}
        for instruction, texts in tasks.items()
        for text in texts
    ]
    add_missing(session, tables.Paraphrase, paraphrases, ["task_id", "text"])
    return found


def tag_ids(session: Session, names: Iterable[str]) -> dict[str, uuid.UUID]:
    """Return the ids of tags by name; missing ones are created."""
    names = sorted(set(names))
    add_missing(session, tables.Tag, [{"id": known_as("tag", name), "name": name} for name in names], ["name"])
    return _ids(session, tables.Tag.name, tables.Tag.id, names)


def known_as(kind: str, name: str) -> uuid.UUID:
    """Return the id derived from a name: equal in every library, so that a rebuilt one has the same ids."""
    return uuid.uuid5(_NAMES, f"{kind}:{name}")


def add_missing(session: Session, table: Any, rows: list[dict[str, Any]], unique: list[str]) -> None:
    """Insert the rows whose `unique` columns are missing, also while another program does the same."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for start in range(0, len(rows), 500):
        session.execute(dialect.insert(table).on_conflict_do_nothing(index_elements=unique), rows[start : start + 500])


def _ids(session: Session, name: Any, identity: Any, wanted: Iterable[str]) -> dict[str, uuid.UUID]:
    wanted, found = list(wanted), {}
    for start in range(0, len(wanted), 500):
        found |= {
            row[0]: row[1]
            for row in session.execute(select(name, identity).where(name.in_(wanted[start : start + 500])))
        }
    return found


def _cameras(session: Session, specs: list[ViewSpec]) -> dict[str, uuid.UUID]:
    at, by_identity = utc_now(), {spec.identity: spec for spec in specs}
    rows = [
        {"id": known_as("camera", identity), "identity": identity, "name": spec.name, "made_at": at}
        for identity, spec in by_identity.items()
    ]
    add_missing(session, tables.Camera, rows, ["identity"])
    return _ids(session, tables.Camera.identity, tables.Camera.id, by_identity)


def _calibrations(session: Session, specs: list[ViewSpec], cameras: dict[str, uuid.UUID]) -> None:
    found = {spec.calibration.id: (spec.calibration, cameras[spec.identity]) for spec in specs if spec.calibration}
    add_missing(session, tables.Calibration, [calibration_row(*pair) for pair in found.values()], ["id"])


def calibration_row(calibration: Calibration, camera: uuid.UUID) -> dict[str, Any]:
    """Return a calibration as a row of its table."""
    lens = calibration.lens
    return {
        "id": uuid.UUID(calibration.id),
        "camera_id": camera,
        "made_at": datetime.fromisoformat(calibration.made_at),
        "kind": calibration.kind,
        "width": lens.width,
        "height": lens.height,
        "K": [list(row) for row in lens.K],
        "distortion": list(lens.distortion),
        "base_from_camera": [list(row) for row in calibration.base_from_camera],
        "delay_s": calibration.delay_s,
        "error_mm": calibration.error_mm,
        "error_px": calibration.error_px,
        "details": {},
    }


def _text(facts: Facts, labels: Labels) -> dict[str, Any]:
    return {
        "instruction": labels.instruction,
        "note": labels.note,
        "tags": " ".join(labels.tags),
        "operator": facts.started.new.operator,
    }


def _episode(facts: Facts, labels: Labels, task: uuid.UUID, text_row: int) -> dict[str, Any]:
    new = facts.started.new
    return {
        "id": facts.id,
        "task_id": task,
        "text_row": text_row,
        "instruction": labels.instruction,
        "operator": new.operator,
        "source": new.source,
        "simulated": new.simulated,
        "recorded_at": facts.recorded_at,
        "duration_s": facts.duration_s,
        "frames": sum(view.frames for view in facts.views),
        "samples": facts.samples,
        "dropped": sum(view.dropped for view in facts.views),
        "size_bytes": facts.size_bytes,
        "success": labels.success,
        "excluded": labels.excluded,
        "note": labels.note,
        "trim_start_s": labels.trim_start_s,
        "trim_end_s": facts.duration_s if labels.trim_end_s is None else labels.trim_end_s,
        "quality": max((finding.level for finding in facts.findings), default=0),
        "damage": facts.damage,
        "coverage": list(facts.coverage),
        "deleted_at": None if labels.deleted_at is None else datetime.fromisoformat(labels.deleted_at),
    }


def _views(facts: Facts, cameras: dict[str, uuid.UUID]) -> list[dict[str, Any]]:
    return [
        {
            "id": uuid.uuid4(),
            "episode_id": facts.id,
            "camera_id": cameras[spec.identity],
            "calibration_id": uuid.UUID(spec.calibration.id) if spec.calibration else None,
            "position": position,
            "name": spec.name,
            "file": film.file,
            "width": spec.width,
            "height": spec.height,
            "fps": spec.fps,
            "frames": film.frames,
            "dropped": film.dropped,
        }
        for position, (spec, film) in enumerate(zip(facts.started.new.views, facts.views, strict=True))
    ]


def _findings(facts: Facts) -> list[dict[str, Any]]:
    return [
        {"id": uuid.uuid4(), "episode_id": facts.id, **{name: getattr(f, name) for name in f.__dataclass_fields__}}
        for f in facts.findings
    ]


def _insert(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table), rows)
