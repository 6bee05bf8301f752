"""Runs of the scoring, the texts that are their work, the cards that were used, the history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Json, Jsonb

from include.call_centre.domain.scorecards import Scorecard
from include.common.errors import NotConfigured, Temporary
from include.common.postgres_session import Session

_FILE = "quality_runs"
LEASE_SECONDS = 900.0  # longer than all providers of a route may take for one question


@dataclass(frozen=True, slots=True)
class QualityRun:
    run_id: UUID
    dag_run_id: str
    status: str
    asked: dict[str, Any]
    actor: str
    forecast_cost: Decimal | None
    approved_cost: Decimal | None
    asked_cost: Decimal | None
    verdict: str | None
    opened_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Work:
    checksum: str
    card_hash: str
    recording_id: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class WorkOutcome:
    waiting: int
    done: int
    failed: int


class QualityRuns:
    def __init__(self, session: Session) -> None:
        self._session = session

    def keep_cards(self, cards: Iterable[Scorecard]) -> None:
        """Raises NotConfigured for a version whose content has changed: its scores would be unreadable."""
        known = {(card, version): found for card, version, found in self._session.values(_FILE, "cards")}
        for card in cards:
            if known.get((card.card, card.version), card.hash) != card.hash:
                raise NotConfigured(
                    f"the card {card.card} v{card.version} was changed: a changed card is a new version",
                    problem="card_changed",
                    card=card.card,
                    version=card.version,
                )
            values = {"card": card.card, "version": card.version, "hash": card.hash, "title": card.title}
            self._session.count(_FILE, "keep_card", body=Json(card.model_dump(mode="json")), **values)

    def card(self, card_hash: str) -> Scorecard:
        return Scorecard.of(self._session.value(_FILE, "card_body", hash=card_hash))

    def open(self, dag_run_id: str, *, asked: Mapping[str, Any], actor: str) -> UUID:
        found: UUID = self._session.value(
            _FILE, "open_run", run_id=uuid4(), dag_run_id=dag_run_id, asked=Jsonb(dict(asked)), actor=actor
        )
        return found

    def get(self, run_id: UUID) -> QualityRun:
        (found,) = self._session.rows(_FILE, "run", QualityRun, run_id=run_id)
        return found

    def set_forecast(self, run_id: UUID, forecast: Decimal, *, question: Decimal | None) -> None:
        """`question` is the sum that a person is asked about; None: nothing is asked."""
        self._session.count(_FILE, "set_forecast", run_id=run_id, forecast=forecast, asked_cost=question)

    def approve(self, run_id: UUID) -> bool:
        return self._session.count(_FILE, "approve", run_id=run_id) == 1

    def close(self, run_id: UUID, status: str, verdict: str) -> bool:
        """`status` is completed, error or cancelled; False if the run has ended already."""
        return self._session.count(_FILE, "close_run", run_id=run_id, status=status, verdict=verdict) == 1

    def add_work(self, run_id: UUID, work: Sequence[tuple[Work, int]]) -> None:
        """Each with the number of its batch."""
        self._session.count(
            _FILE,
            "add_work",
            run_id=run_id,
            checksums=[one.checksum for one, _ in work],
            cards=[one.card_hash for one, _ in work],
            recordings=[one.recording_id for one, _ in work],
            batches=[number for _, number in work],
        )

    def last_batch(self, run_id: UUID) -> int:
        return int(self._session.value(_FILE, "last_batch", run_id=run_id))

    def batches(self, run_id: UUID) -> list[int]:
        return [number for (number,) in self._session.values(_FILE, "batches", run_id=run_id)]

    def batch(self, run_id: UUID, batch_no: int) -> list[Work]:
        return self._session.rows(_FILE, "batch", Work, run_id=run_id, batch_no=batch_no)

    def again(self, run_id: UUID, batch_no: int) -> None:
        self._session.count(_FILE, "again", run_id=run_id, batch_no=batch_no)

    @contextmanager
    def claim(self, work: Work, owner: str) -> Iterator[bool]:
        """True while no other task may buy this score; the next try of the same owner takes its claim back."""
        values = {"checksum": work.checksum, "card_hash": work.card_hash, "owner": owner}
        ours = bool(self._session.values(_FILE, "claim", seconds=LEASE_SECONDS, **values))
        try:
            yield ours
        finally:
            if ours:
                with suppress(Temporary):  # then the lease ends it
                    self._session.count(_FILE, "release", **values)

    def done(self, run_id: UUID, work: Work) -> None:
        self._end(run_id, work, "done", None)

    def failed(self, run_id: UUID, work: Work, error: str) -> None:
        self._end(run_id, work, "failed", error)

    def try_again(self, run_id: UUID, work: Work, error: str) -> None:
        values = {"run_id": run_id, "checksum": work.checksum, "card_hash": work.card_hash, "error": error}
        self._session.count(_FILE, "try_again", **values)

    def _end(self, run_id: UUID, work: Work, state: str, error: str | None) -> None:
        values = {"run_id": run_id, "checksum": work.checksum, "card_hash": work.card_hash}
        self._session.count(_FILE, "end_work", state=state, error=error, **values)

    def outcome(self, run_id: UUID) -> WorkOutcome:
        (found,) = self._session.rows(_FILE, "outcome", WorkOutcome, run_id=run_id)
        return found

    def spent(self, run_id: UUID) -> Decimal:
        return Decimal(self._session.value(_FILE, "spent", run_id=run_id))

    def add_event(
        self,
        stage: str,
        event: str,
        *,
        run_id: UUID | None = None,
        score_id: UUID | None = None,
        actor: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """`detail` holds no word of a call and no name of a caller."""
        values = {"run_id": run_id, "score_id": score_id, "actor": actor, "detail": Jsonb(dict(detail or {}))}
        self._session.count(_FILE, "add_event", stage=stage, event=event, **values)

    def forget_scores(self, before: datetime) -> int:
        return self._session.count(_FILE, "forget_old", before=before)
