"""Rows whose text is built anew from answers that were paid for."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from include.calls.state.rows import RecordColumns, RecordRow
from include.calls.state.session import statement

_FILE = "rebuild"


class TextCopy(NamedTuple):
    """A row that shows a text, and the file that it shows."""

    run_id: UUID
    call_id: str
    record_id: str
    transcript_path: str


def copies_of_text(conn: Connection[Any], record: RecordRow) -> list[TextCopy]:
    """The completed record's own row, its buyer's, from which later runs take the text, and others of the same file."""
    named = {"run_id": record.run_id, "call_id": record.call_id, "record_id": record.record_id}
    return [TextCopy(*row) for row in conn.execute(statement(_FILE, "copies_of_text"), named).fetchall()]


def rebuild_text(
    conn: Connection[Any], copy: TextCopy, columns: RecordColumns, *, other_words: bool, stage: str
) -> bool:
    """Notes the rebuilt text in its row, with an event; False where the row says all that already, or has moved on.

    `other_words`: the file is going to change, so a summary of the earlier one is forgotten.
    """
    values: Mapping[str, Any] = columns
    parameters = {**copy._asdict(), **values, "other_words": other_words, "stage": stage}
    return bool(conn.execute(statement(_FILE, "rebuild_text"), parameters).fetchall())
