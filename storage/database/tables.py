"""Tables of recordings: cameras, calibrations, tasks, episodes with their views and tags.

Numbers are in SI units. A deleted row has `deleted_at` and can be restored; only emptying the trash removes it.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.database.columns import Named, Table


class Camera(Named, Table):
    __tablename__ = "cameras"

    identity: Mapped[str] = mapped_column(unique=True)  # stable across re-plugging: "realsense:<serial>"
    name: Mapped[str]
    made_at: Mapped[datetime]


class Calibration(Named, Table):
    """Intrinsics and extrinsics of a camera; `details` holds any other data of the calibration."""

    __tablename__ = "calibrations"

    camera_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cameras.id"), index=True)
    made_at: Mapped[datetime]
    kind: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    K: Mapped[list[Any]]
    distortion: Mapped[list[Any]]
    base_from_camera: Mapped[list[Any]]
    delay_s: Mapped[float]  # delay of the image timestamps against the arm's clock
    error_mm: Mapped[float | None]
    error_px: Mapped[float | None]
    details: Mapped[dict[str, Any]]
    deleted_at: Mapped[datetime | None]


class Task(Named, Table):
    __tablename__ = "tasks"

    instruction: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    paraphrases: Mapped[list["Paraphrase"]] = relationship(
        cascade="all, delete-orphan", order_by="Paraphrase.text", passive_deletes=True
    )


class Paraphrase(Named, Table):
    __tablename__ = "paraphrases"
    __table_args__ = (UniqueConstraint("task_id", "text"),)

    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    text: Mapped[str]


class EpisodeTag(Table):
    __tablename__ = "episode_tags"

    episode_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tags.id"), primary_key=True, index=True)


class Tag(Named, Table):
    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(unique=True)


class EpisodeText(Table):
    """Searchable texts of an episode, covered by a full-text index (migration 0002)."""

    __tablename__ = "episode_texts"

    row: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True, autoincrement=True
    )
    instruction: Mapped[str]
    note: Mapped[str]
    tags: Mapped[str]
    operator: Mapped[str]


class Episode(Named, Table):
    """Demonstration. `success` is None until it was judged; `quality` 0 good, 1 with a notice, 2 bad."""

    __tablename__ = "episodes"
    __table_args__ = (
        CheckConstraint("quality in (0, 1, 2)", name="quality"),
        # A page of the library is a scan along one of these; the id breaks ties.
        *(
            Index(f"ix_episodes_{name}_id", name, "id")
            for name in ("recorded_at", "duration_s", "instruction", "operator", "quality", "size_bytes")
        ),
        Index("ix_episodes_task_id_recorded_at", "task_id", "recorded_at"),
        # Only of the trash: an index over all episodes would mislead the planner away from that scan.
        Index(
            "ix_episodes_trash",
            "recorded_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tasks.id"))
    text_row: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), ForeignKey("episode_texts.row"), unique=True
    )
    instruction: Mapped[str]
    operator: Mapped[str]
    source: Mapped[str]
    simulated: Mapped[bool]
    recorded_at: Mapped[datetime]
    duration_s: Mapped[float]
    frames: Mapped[int]
    samples: Mapped[int]
    dropped: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger())
    success: Mapped[bool | None]
    excluded: Mapped[bool]
    note: Mapped[str]
    trim_start_s: Mapped[float]
    trim_end_s: Mapped[float]
    quality: Mapped[int]
    damage: Mapped[str]
    coverage: Mapped[list[Any]]  # the 50 mm cells the tool passed through
    deleted_at: Mapped[datetime | None]
    task: Mapped[Task] = relationship()
    words: Mapped[EpisodeText] = relationship(cascade="all, delete-orphan", single_parent=True)
    views: Mapped[list["View"]] = relationship(
        cascade="all, delete-orphan", order_by="View.position", passive_deletes=True
    )
    findings: Mapped[list["Finding"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    tags: Mapped[list[Tag]] = relationship(secondary="episode_tags", order_by="Tag.name")


class View(Named, Table):
    """Video of one camera of an episode."""

    __tablename__ = "views"
    __table_args__ = (UniqueConstraint("episode_id", "name"),)

    episode_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"))
    camera_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cameras.id"), index=True)
    calibration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("calibrations.id"), index=True)
    position: Mapped[int]
    name: Mapped[str]
    file: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    fps: Mapped[float]
    frames: Mapped[int]
    dropped: Mapped[int]


class Finding(Named, Table):
    """Finding on an episode's quality: the check, its level (1 notice, 2 bad), and a message."""

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_episode_id", "episode_id"), Index("ix_findings_check_level", "check", "level"))

    episode_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"))
    check: Mapped[str]
    level: Mapped[int]
    value: Mapped[float]
    sentence: Mapped[str]
