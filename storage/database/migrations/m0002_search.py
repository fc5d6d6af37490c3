"""Full-text search over the texts of an episode: FTS5 on SQLite, a tsvector column on PostgreSQL."""

from alembic import op

revision = "0002"
down_revision = "0001"

_WORDS = ("instruction", "note", "tags", "operator")

# The content stays in episode_texts ("external content", sqlite.org/fts5.html 4.4.3): triggers update the index.
# prefix: separate indices of one to three letters, for search while typing.
_SQLITE = """
CREATE VIRTUAL TABLE episode_search USING fts5(
    instruction, note, tags, operator,
    content='episode_texts', content_rowid='row', tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')
;
CREATE TRIGGER episode_texts_added AFTER INSERT ON episode_texts BEGIN
    INSERT INTO episode_search(rowid, instruction, note, tags, operator)
    VALUES (new.row, new.instruction, new.note, new.tags, new.operator); END
;
CREATE TRIGGER episode_texts_removed AFTER DELETE ON episode_texts BEGIN
    INSERT INTO episode_search(episode_search, rowid, instruction, note, tags, operator)
    VALUES ('delete', old.row, old.instruction, old.note, old.tags, old.operator); END
;
CREATE TRIGGER episode_texts_changed AFTER UPDATE ON episode_texts BEGIN
    INSERT INTO episode_search(episode_search, rowid, instruction, note, tags, operator)
    VALUES ('delete', old.row, old.instruction, old.note, old.tags, old.operator);
    INSERT INTO episode_search(rowid, instruction, note, tags, operator)
    VALUES (new.row, new.instruction, new.note, new.tags, new.operator); END
;
INSERT INTO episode_search(episode_search) VALUES ('rebuild')
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE.split("\n;\n"):
            op.execute(statement)
        return
    words = " || ' ' || ".join(_WORDS)
    vector = f"to_tsvector('simple', {words})"
    op.execute(f"ALTER TABLE episode_texts ADD COLUMN search tsvector GENERATED ALWAYS AS ({vector}) STORED")
    op.execute("CREATE INDEX ix_episode_texts_search ON episode_texts USING gin (search)")
