"""Scores as people see them, and what people say of them. A person outranks the judge in every figure."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from include.call_centre.domain.exported_score import ExportedScore
from include.call_centre.domain.scores import Sum
from include.common.postgres_session import Session, storable

_FILE = "quality_people"


@dataclass(frozen=True, slots=True)
class Scope:
    """Phone lines and employees whose calls a reader sees; None does not narrow."""

    lines: list[str] | None = None
    employee_ids: list[str] | None = None

    @property
    def values(self) -> dict[str, list[str] | None]:
        return {"lines": self.lines, "employees": self.employee_ids}


@dataclass(frozen=True, slots=True)
class ListedScore:
    """`score` has the answers of people in their place, `judged_score` is the judge's; `calibration` is the judge's."""

    score_id: UUID
    recording_id: int
    card: str
    card_version: int
    status: str
    score: float | None
    judged_score: float | None
    coverage: float | None
    passed: bool | None
    needs_review: bool
    review_reasons: list[str]
    open_disputes: int
    error_code: str | None
    employee_id: str | None
    employee_name: str | None
    started_at: datetime
    provider: str
    model: str
    calibration: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    score_id: UUID
    checksum: str
    card_hash: str
    prompt_version: str
    provider: str
    model: str
    status: str
    recording_id: int
    employee_id: str | None
    created_at: datetime
    auto_failed: bool
    current: bool
    started_at: datetime
    call_id: str
    record_id: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    criterion: str
    answer: str
    lost: str | None
    evidence: list[dict[str, Any]]
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class VerdictRow:
    criterion: str
    rater: str
    kind: str
    answer: str
    t: float | None
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeRow:
    dispute_id: int
    criterion: str
    opened_by: str
    reason: str
    status: str
    opened_at: datetime
    resolved_by: str | None
    resolved_at: datetime | None
    comment: str


@dataclass(frozen=True, slots=True)
class LockedDispute:
    dispute_id: int
    score_id: UUID
    criterion: str
    opened_by: str
    status: str


@dataclass(frozen=True, slots=True)
class Average:
    """Of one employee and card: `counted` of `scores` are fair to compare, and the mean is of those alone."""

    employee_id: str | None
    employee_name: str | None
    card: str
    scores: int
    counted: int
    score: float | None
    coverage: float | None
    to_review: int
    open_disputes: int


@dataclass(frozen=True, slots=True)
class BlindItem:
    item_no: int
    checksum: str
    body: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scores a list shows; `before` is the last one that was shown."""

    card: str | None = None
    employee: str | None = None
    status: str | None = None
    review: bool = False
    disputed: bool = False
    recording: int | None = None
    dag_run: str | None = None
    before: tuple[datetime, UUID] | None = None
    most: int = 50


class QualityPeople:
    def __init__(self, session: Session) -> None:
        self._session = session

    def scope(self, actor: str) -> Scope:
        found = self._session.rows(_FILE, "scope", Scope, actor=actor)
        return found[0] if found else Scope()

    def listed(self, wanted: Wanted, scope: Scope) -> list[ListedScore]:
        before_at, before_id = wanted.before or (None, None)
        return self._session.rows(
            _FILE,
            "listed",
            ListedScore,
            **scope.values,
            card=wanted.card,
            employee=wanted.employee,
            status=wanted.status,
            review=wanted.review,
            disputed=wanted.disputed,
            recording=wanted.recording,
            dag_run=wanted.dag_run,
            before_at=before_at,
            before_id=before_id,
            most=wanted.most,
        )

    def score(self, score_id: UUID, scope: Scope) -> ScoreRow | None:
        found = self._session.rows(_FILE, "score", ScoreRow, score_id=score_id, **scope.values)
        return found[0] if found else None

    def answers(self, score_id: UUID) -> list[AnswerRow]:
        return self._session.rows(_FILE, "answers", AnswerRow, score_id=score_id)

    def verdicts(self, row: ScoreRow) -> list[VerdictRow]:
        return self._session.rows(_FILE, "verdicts", VerdictRow, checksum=row.checksum, card_hash=row.card_hash)

    def disputes(self, score_id: UUID) -> list[DisputeRow]:
        return self._session.rows(_FILE, "disputes", DisputeRow, score_id=score_id)

    def dispute(self, dispute_id: int) -> LockedDispute | None:
        """Locked until the caller's transaction ends."""
        found = self._session.rows(_FILE, "dispute", LockedDispute, dispute_id=dispute_id)
        return found[0] if found else None

    def lock(self, score_id: UUID) -> None:
        self._session.values(_FILE, "lock_score", score_id=score_id)

    def add_verdict(
        self,
        row: ScoreRow,
        card: str,
        criterion: str,
        answer: str,
        *,
        rater: str,
        kind: str,
        t: float | None,
        comment: str,
    ) -> None:
        """`kind` is review or dispute."""
        self._session.count(
            _FILE,
            "add_verdict",
            checksum=row.checksum,
            card=card,
            card_hash=row.card_hash,
            criterion=criterion,
            answer=answer,
            rater=rater,
            kind=kind,
            t=t,
            comment=storable(comment),
        )

    def open_dispute(self, score_id: UUID, criterion: str, *, opened_by: str, reason: str) -> int | None:
        """None if the criterion was disputed before."""
        values = {"score_id": score_id, "criterion": criterion, "opened_by": opened_by, "reason": storable(reason)}
        found = self._session.value(_FILE, "open_dispute", **values)
        return None if found is None else int(found)

    def resolve_dispute(self, dispute_id: int, status: str, *, by: str, comment: str) -> bool:
        """False if it is not open any more."""
        values = {"dispute_id": dispute_id, "status": status, "by": by, "comment": storable(comment)}
        return self._session.count(_FILE, "resolve_dispute", **values) == 1

    def set_final(self, score_id: UUID, total: Sum, *, reviewed: bool) -> None:
        """`reviewed`: a person has looked, the score does not wait any more."""
        values = {"score": total.value, "coverage": total.coverage, "passed": total.passed, "reviewed": reviewed}
        self._session.count(_FILE, "set_final", score_id=score_id, **values)

    def add_event(self, score_id: UUID, event: str, *, actor: str, detail: Mapping[str, Any]) -> None:
        values = {"score_id": score_id, "event": event, "actor": actor, "detail": Jsonb(dict(detail))}
        self._session.count(_FILE, "add_event", **values)

    def averages(self, since: datetime, until: datetime, scope: Scope) -> list[Average]:
        return self._session.rows(_FILE, "averages", Average, since=since, until=until, **scope.values)

    def next_item(self, card: str, card_hash: str, *, rater: str, criteria: int) -> BlindItem | None:
        values = {"card": card, "card_hash": card_hash, "rater": rater, "criteria": criteria}
        found = self._session.rows(_FILE, "next_item", BlindItem, **values)
        return found[0] if found else None

    def exported(self, since: datetime, until: datetime) -> Generator[ExportedScore]:
        return self._session.stream(_FILE, "exported", ExportedScore, since=since, until=until)
