"""The one file that reads calls: their texts, and the ledger that both areas share.

Nothing of the area `calls` is imported; the tables are its interface, and `quality_texts.sql` has every statement.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from include.call_centre.domain.drawing import Candidate
from include.call_centre.domain.scorable import TextFacts
from include.call_centre.domain.spoken_call import SpokenCall
from include.common.postgres_session import Session

_FILE = "quality_texts"


@dataclass(frozen=True, slots=True)
class CallText:
    """`body` is as stored, with personal data; `checksum` is of it."""

    checksum: str
    body: str
    language: str | None
    roles: str
    words_per_minute: float | None
    recording_id: int
    call_id: str
    direction: str
    employee_id: str | None
    started_at: datetime
    tags: list[str]
    needs_review: bool
    seconds: float

    @property
    def facts(self) -> TextFacts:
        return TextFacts(
            self.roles,
            self.language,
            needs_review=self.needs_review,
            direction=self.direction,
            tags=self.tags,
            words_per_minute=self.words_per_minute,
        )

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.checksum, self.call_id, (self.employee_id or "", self.direction))

    @property
    def call(self) -> SpokenCall:
        return SpokenCall.of(self.body, self.seconds)


class QualityTexts:
    """Over one session of the state database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def unscored(
        self,
        card_hash: str,
        *,
        since: datetime,
        until: datetime,
        calls: Sequence[str] = (),
        anew_by: str | None = None,
    ) -> Generator[CallText]:
        """`calls` are CALL_IDs, none means all. `anew_by`: those without a score of this provider, scored or not."""
        return self._session.stream(
            _FILE,
            "unscored",
            CallText,
            card_hash=card_hash,
            since=since,
            until=until,
            calls=list(calls) or None,
            anew=anew_by is not None,
            provider=anew_by or "",
        )

    def text(self, recording_id: int, checksum: str) -> CallText | None:
        """None if the words have ended, or the recording has another text by now."""
        found = self._session.rows(_FILE, "text", CallText, recording_id=recording_id, checksum=checksum)
        return found[0] if found else None

    def charge(
        self,
        connection: Connection[Any],
        recording_id: int,
        *,
        model: str,
        tokens: int,
        usd: Decimal,
        counted: bool,
        purpose: str = "quality",
    ) -> None:
        """One payment, in the caller's transaction."""
        values = {"recording_id": recording_id, "model": model, "quantity": tokens, "usd": usd, "confirmed": counted}
        connection.execute(self._session.statement(_FILE, "charge"), values | {"purpose": purpose})

    def hours(self, since: datetime, until: datetime, zone: str) -> dict[str, int]:
        return dict(self._session.values(_FILE, "day_of_calls", since=since, until=until, zone=zone))

    def employees(self, employees: Sequence[str]) -> dict[str, str]:
        return dict(self._session.values(_FILE, "employees", employees=list(employees)))
