"""An erasure on a person's demand: what was asked, what was found, how far it is. No number, call id or text."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

LONGEST_WAIT = timedelta(days=30)  # the law's term: the alert ErasureOverdue rings as well


class SubjectKind(StrEnum):
    CALL = "call"
    NUMBER = "number"


class ErasureStatus(StrEnum):
    ASKED = "asked"  # registered; a second person has not decided yet
    REFUSED = "refused"
    APPROVED = "approved"  # its tombstones stand; the erasing goes on until it is settled
    SETTLED = "settled"  # erased, looked for again, proven


class Demand(NamedTuple):
    """What a person asked for, as it is stored: never the number or the call id, only its hash and its masked form."""

    kind: SubjectKind
    hash: str
    masked: str
    reason: str
    asked_by: str
    demanded_on: date | None


class Tombstone(NamedTuple):
    """`covers_until`: a number's calls that began later are calls of a person who has called again; None for a call."""

    hash: str
    kind: SubjectKind
    key_name: str
    covers_until: datetime | None


class Found(NamedTuple):
    """The preview: how much of what was found, and of which days; no ids, numbers, names or texts."""

    calls: int
    recordings: int
    audio: int
    texts: int
    summaries: int
    qa_comments: int
    dead_letters: int
    events: int
    first_day: date | None
    last_day: date | None
    runs: int

    @classmethod
    def none(cls) -> "Found":
        return cls(0, 0, 0, 0, 0, 0, 0, 0, None, None, 0)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A row of `erasures`."""

    erasure_id: UUID
    dag_run_id: str | None
    kind: SubjectKind
    subject_hash: str
    key_name: str
    masked: str
    reason: str
    asked_by: str
    triggered_by: str
    demanded_at: datetime
    status: ErasureStatus
    decided_by: str | None
    decided_at: datetime | None
    settled_at: datetime | None
    rewritten: dict[str, str]
    looked: dict[str, Any] | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", SubjectKind(self.kind))
        object.__setattr__(self, "status", ErasureStatus(self.status))
