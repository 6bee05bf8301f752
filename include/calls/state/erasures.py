"""Erasures on a person's demand: demands, decisions, tombstones, and what they take out of the other tables."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.audit_chain import Action
from include.calls.domain.erasure import Demand, Erasure, ErasureStatus, Found, SubjectKind, Tombstone
from include.calls.domain.erasure_hashes import ErasedCalls, ErasureKey
from include.calls.domain.stages import Stage
from include.calls.domain.states import RECORD_MOVES, RecordStatus, refuse_unlisted
from include.calls.state.audit import AuditLog
from include.calls.state.bulk_changes import bulk_change
from include.common.postgres_session import Session, storable

_FILE = "erasures"
_ERASABLE = frozenset(RecordStatus) - {RecordStatus.ERASED}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording with what tells whose it is."""

    recording_id: int
    portal_id: int
    call_id: str
    from_number: str
    to_number: str
    phone_line: str
    call_started_at: datetime


@dataclass(frozen=True, slots=True)
class Marked(Candidate):
    """A recording that an erasure has marked and not blanked yet: its files are found by these columns."""

    file_name: str | None
    raw_path: str | None
    transcript_path: str | None
    summary_path: str | None


class Left(NamedTuple):
    """Rows that still name erased recordings; none of them should."""

    texts: int
    comments: int
    letters: int
    events: int
    responses: int


class Removed(NamedTuple):
    """Hashes of what one recording had, by kind; `day` is that of the call."""

    day: date
    removed: dict[str, Any]


class Erasures:
    """The tables `erasures`, `erasure_tombstones` and `erased_recordings`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # ---------------------------------------------------------------- demands and decisions

    def register(self, erasure_id: UUID, dag_run_id: str, demand: Demand, *, triggered_by: str, key_name: str) -> None:
        """Once for a DAG run; the same DAG run again changes nothing."""
        with self._session.transaction():
            new = self._session.count(
                _FILE,
                "register",
                erasure_id=erasure_id,
                dag_run_id=dag_run_id,
                kind=demand.kind,
                subject_hash=demand.hash,
                key_name=key_name,
                masked=storable(demand.masked),
                reason=storable(demand.reason),
                asked_by=storable(demand.asked_by),
                triggered_by=storable(triggered_by),
                demanded_on=demand.demanded_on,
                stage=Stage.ERASE,
            )
            if new:
                self._audit(Action.ERASURE_ASKED, triggered_by, erasure_id, demand.masked, reason=demand.reason)

    def of_dag_run(self, dag_run_id: str) -> Erasure | None:
        found = self._session.rows(_FILE, "of_dag_run", Erasure, dag_run_id=dag_run_id)
        return found[0] if found else None

    def get(self, erasure_id: UUID) -> Erasure:
        (found,) = self._session.rows(_FILE, "erasure", Erasure, erasure_id=erasure_id)
        return found

    def find(self, erasure_id: UUID) -> Erasure | None:
        found = self._session.rows(_FILE, "erasure", Erasure, erasure_id=erasure_id)
        return found[0] if found else None

    def page(self, *, after: UUID | None, most: int) -> list[Erasure]:
        """The newest demands after that one."""
        return self._session.rows(_FILE, "page", Erasure, after=after, most=most)

    def decided_in_favour(self) -> list[Erasure]:
        """Every erasure whose tombstones stand, the oldest first."""
        return self._session.rows(_FILE, "decided_in_favour", Erasure)

    def decide(self, erasure: Erasure, *, approved: bool, by: str | None, at: datetime) -> ErasureStatus:
        """Records the decision and, if it is in favour, the tombstone of the call or number; returns the status.

        A listing waits for the tombstone and sees it: both hold the lock of changes to many recordings.
        """
        to = ErasureStatus.APPROVED if approved else ErasureStatus.REFUSED
        with bulk_change(self._session):
            status = ErasureStatus(
                self._session.value(
                    _FILE,
                    "decide",
                    erasure_id=erasure.erasure_id,
                    expected=ErasureStatus.ASKED,
                    to=to,
                    decided_by=by,
                    decided_at=at,
                    stage=Stage.ERASE,
                )
            )
            if erasure.status is ErasureStatus.ASKED:
                action = Action.ERASURE_APPROVED if approved else Action.ERASURE_REFUSED
                self._audit(action, by or "-", erasure.erasure_id, erasure.masked)
            if status is ErasureStatus.APPROVED:
                until = at if erasure.kind is SubjectKind.NUMBER else None
                stone = Tombstone(erasure.subject_hash, erasure.kind, erasure.key_name, until)
                self._add(erasure.erasure_id, stone)
        return status

    def note_own_answer(self, erasure_id: UUID, by: str) -> None:
        """The person who triggered the erasure tried to approve it."""
        self._session.count(_FILE, "own_answer", erasure_id=str(erasure_id), by=storable(by), stage=Stage.ERASE)

    def bring(self, erasure: Erasure, tombstones: Sequence[Tombstone]) -> None:
        """An erasure that a restored database does not know, or not as decided, with its tombstones."""
        with bulk_change(self._session):
            self._session.count(
                _FILE,
                "bring",
                erasure_id=erasure.erasure_id,
                kind=erasure.kind,
                subject_hash=erasure.subject_hash,
                key_name=erasure.key_name,
                masked=storable(erasure.masked),
                reason=storable(erasure.reason),
                asked_by=storable(erasure.asked_by),
                triggered_by=storable(erasure.triggered_by),
                demanded_at=erasure.demanded_at,
                decided_by=erasure.decided_by,
                decided_at=erasure.decided_at,
                expected=[
                    ErasureStatus.ASKED,
                    ErasureStatus.REFUSED,
                ],  # refused: no answer came to the restored question
                to=ErasureStatus.APPROVED,
                stage=Stage.ERASE,
            )
            for stone in tombstones:
                self._add(erasure.erasure_id, stone)

    def settle(self, erasure_id: UUID) -> None:
        expected, to = ErasureStatus.APPROVED, ErasureStatus.SETTLED
        with self._session.transaction():
            if self._session.count(_FILE, "settle", erasure_id=erasure_id, expected=expected, to=to, stage=Stage.ERASE):
                erasure = self.get(erasure_id)
                self._audit(Action.ERASURE_SETTLED, erasure.decided_by or "-", erasure_id, erasure.masked)

    def _audit(self, action: Action, actor: str, erasure_id: UUID, masked: str, *, reason: str = "") -> None:
        detail = {"erasure_id": str(erasure_id), "subject": masked}
        AuditLog(self._session).record(action, actor=actor, reason=reason, detail=detail)

    def now(self) -> datetime:
        """The database's clock."""
        found: datetime = self._session.value(_FILE, "now")
        return found

    # ---------------------------------------------------------------- tombstones

    def erased(self, key: ErasureKey | None) -> ErasedCalls:
        """Which calls do not come back. Raises NotConfigured if the tombstones are of another key."""
        return ErasedCalls((stone.plain for stone in self._session.rows(_FILE, "tombstones", _Stone)), key)

    def tombstones_of(self, erasure_id: UUID) -> list[Tombstone]:
        return [stone.plain for stone in self._session.rows(_FILE, "tombstones_of", _Stone, erasure_id=erasure_id)]

    def _add(self, erasure_id: UUID, stone: Tombstone) -> None:
        self._session.count(_FILE, "add_tombstone", erasure_id=erasure_id, **stone._asdict())

    # ---------------------------------------------------------------- what is found

    def covered(self, erased: ErasedCalls) -> list[Candidate]:
        """The recordings that are not erased and that the tombstones cover: every row's hash is compared."""
        with closing(self._not_erased()) as candidates:
            return [one for one in candidates if erased.cover(one, one.call_started_at)]

    def preview(self, recording_ids: Sequence[int]) -> Found:
        (found,) = self._session.values(_FILE, "preview", recording_ids=list(recording_ids))
        return Found(*found)

    def _not_erased(self) -> Generator[Candidate]:
        return self._session.stream(_FILE, "not_erased", Candidate, erased=RecordStatus.ERASED)

    # ---------------------------------------------------------------- erasing

    def mark(self, erasure_id: UUID, portal_id: int, call_id: str, stone: Tombstone) -> int:
        """One call, under the claim on it: its recordings leave the work and every report, its texts go.

        Tombstone, mark and deletion are one transaction. Returns how many of its recordings are on hold; then nothing
        was changed. A hold is placed under the same lock.
        """
        refuse_unlisted(_ERASABLE, RecordStatus.ERASED, RECORD_MOVES)
        with bulk_change(self._session):
            if held := self._session.count(_FILE, "held_of_call", portal_id=portal_id, call_id=call_id):
                return held
            self._add(erasure_id, stone)
            self._session.count(
                _FILE,
                "mark",
                erasure_id=erasure_id,
                portal_id=portal_id,
                call_id=call_id,
                expected=sorted(_ERASABLE),
                to=RecordStatus.ERASED,
                stage=Stage.ERASE,
            )
            for name in ("responses", "replay_responses", "replays", "checks", "fixes", "letters", "work", "texts"):
                self._session.count(_FILE, f"forget_{name}", erasure_id=erasure_id)
        return 0

    def marked(self, erasure_id: UUID) -> list[Marked]:
        return self._session.rows(_FILE, "marked", Marked, erasure_id=erasure_id)

    def held(self, recording_ids: Sequence[int]) -> int:
        """How many of these recordings are on hold."""
        return self._session.count(_FILE, "held", recording_ids=list(recording_ids))

    def ordered_removals(self, recording_id: int) -> list[str]:
        """Keys of files that the retention has taken from the row and may not have removed yet."""
        return [key for (key,) in self._session.values(_FILE, "ordered_removals", recording_id=recording_id)]

    def note_removed(self, recording_id: int, found: Mapping[str, Any]) -> None:
        """Hashes of files as they were before; a repetition keeps what the first try saw."""
        self._session.count(_FILE, "note_removed", recording_id=recording_id, found=Jsonb(dict(found)))

    def blank_events(self, erasure_id: UUID, pattern: str) -> None:
        """Ids and details of the recordings' events, and details of other events that match the regular expression."""
        with self._session.transaction():
            self._session.count(_FILE, "erasing")
            self._session.count(_FILE, "blank_events", erasure_id=erasure_id)
            self._session.count(_FILE, "blank_other_events", pattern=pattern)

    def note_rewritten(self, erasure_id: UUID, key: str, sha256: str) -> None:
        """A file of a period that is going to be written again; a repetition keeps what the first try saw."""
        self._session.count(_FILE, "note_rewritten", erasure_id=erasure_id, key=key, sha256=sha256)

    def runs_of(self, recording_ids: Sequence[int]) -> list[UUID]:
        found = self._session.values(_FILE, "runs_of", recording_ids=list(recording_ids))
        return [run_id for (run_id,) in found]

    def published_run(self, registry_key: str) -> UUID | None:
        found: UUID | None = self._session.value(_FILE, "published_run", registry_key=registry_key)
        return found

    def left(self, recording_ids: Sequence[int], pattern: str) -> Left:
        facts = {"recording_ids": list(recording_ids), "pattern": pattern}
        (found,) = self._session.values(_FILE, "left_in_tables", **facts)
        return Left(*found)

    def blank(self, erasure_id: UUID, looked: Mapping[str, Any]) -> None:
        """The rows lose what names the person, in one transaction with where it was looked for."""
        with bulk_change(self._session):
            self._session.count(_FILE, "note_looked", erasure_id=erasure_id, looked=Jsonb(dict(looked)))
            for name in ("forget_removals", "forget_holds", "blank"):
                self._session.count(_FILE, name, erasure_id=erasure_id)

    def removed(self, erasure_id: UUID) -> list[Removed]:
        return [Removed(*row) for row in self._session.values(_FILE, "removed", erasure_id=erasure_id)]


@dataclass(frozen=True, slots=True)
class _Stone:
    hash: str
    kind: str
    key_name: str
    covers_until: datetime | None

    @property
    def plain(self) -> Tombstone:
        return Tombstone(self.hash, SubjectKind(self.kind), self.key_name, self.covers_until)
