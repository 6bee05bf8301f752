"""Texts of recordings. Their bodies are in the database as well as in the storage."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from include.calls.domain.states import RecordStatus
from include.calls.state.types import NewText, Text
from include.common.postgres_session import Session, storable

_FILE = "stored_transcripts"
_WITH_TEXT = [RecordStatus.COMPLETED]


class Transcripts:
    """The table `transcripts`, and the current text of a recording."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, run_id: UUID, recording_id: int, text: NewText) -> int:
        """Stores a text that this run made and returns its number; `Moves.move` makes it the current one.

        The same words of the same recording are the same row, with the newest figures.
        """
        return self._session.count(_FILE, "keep_text", run_id=run_id, recording_id=recording_id, **columns_of(text))

    def get(self, transcript_id: int) -> Text:
        (text,) = self._session.rows(_FILE, "text", Text, transcript_id=transcript_id)
        return text

    def set_summary(self, recording_id: int, transcript_id: int, *, summary_path: str, tags: Sequence[str]) -> bool:
        """The summary of this text. False if it is not the recording's current text any more."""
        values = {"recording_id": recording_id, "transcript_id": transcript_id, "with_text": _WITH_TEXT}
        written = self._session.count(_FILE, "set_summary", summary_path=summary_path, tags=list(tags), **values)
        return written == 1

    def replace(
        self,
        run_id: UUID,
        recording_id: int,
        read_id: int,
        text: NewText,
        *,
        needs_review: bool,
        review_reasons: Sequence[str],
        stage: str,
    ) -> bool:
        """A text built anew takes the place of the text `read_id`, with an event; False if that one is not current.

        The new row keeps the purchase and the buyer. A summary of other words is forgotten.
        """
        values = {"needs_review": needs_review, "review_reasons": list(review_reasons), "with_text": _WITH_TEXT}
        replaced = self._session.values(
            _FILE,
            "replace_text",
            run_id=run_id,
            recording_id=recording_id,
            read_id=read_id,
            stage=stage,
            **columns_of(text),
            **values,
        )
        return bool(replaced)

    def note_file(self, recording_id: int) -> None:
        """The file of the current text was written again with the same words: delivered copies are stale."""
        self._session.count(_FILE, "note_file", recording_id=recording_id)


def columns_of(text: NewText) -> dict[str, Any]:
    """A text as parameters of a statement."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in asdict(text).items()}
