"""The tables `quality_scores` and `quality_answers`: a score is written once, whole, with its evidence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from include.call_centre.domain.score_forecast import Learnt
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.domain.scores import Answer, Score
from include.call_centre.state.quality_texts import CallText
from include.common.postgres_session import Session, storable

_FILE = "quality_scores"


@dataclass(frozen=True, slots=True)
class Judge:
    """Who scored, and what that took. An unscorable text has no judge."""

    prompt_version: str
    provider: str = ""
    model: str = ""
    characters: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class CurrentScore:
    score_id: UUID
    provider: str
    model: str
    status: str


@dataclass(frozen=True, slots=True)
class Counted:
    status: str
    scores: int
    to_review: int
    usd: Decimal


class QualityScores:
    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self, checksum: str, card_hash: str) -> CurrentScore | None:
        found = self._session.rows(_FILE, "current", CurrentScore, checksum=checksum, card_hash=card_hash)
        return found[0] if found else None

    def learnt(self, model: str) -> Learnt:
        (found,) = self._session.rows(_FILE, "learnt", Learnt, model=model)
        return found

    def counts(self, run_id: UUID) -> list[Counted]:
        return self._session.rows(_FILE, "counts", Counted, run_id=run_id)

    def keep(
        self,
        connection: Connection[Any],
        run_id: UUID,
        text: CallText,
        card: Scorecard,
        judge: Judge,
        score: Score | None,
        *,
        why_not: str | None = None,
        review: Sequence[str] = (),
        takes_over: bool = True,
    ) -> UUID | None:
        """In the caller's transaction. None if this judge's score is there already: it stays as it is.

        `score` is None for a text that cannot be scored, for the reason `why_not`. `takes_over`: figures count this
        score from now on, and the one before stays beside it.
        """
        checksum = text.checksum
        run = connection.execute
        values = {
            "checksum": checksum,
            "card": card.card,
            "card_version": card.version,
            "card_hash": card.hash,
            **asdict(judge),
            "status": score.status if score else "unscorable",
            "score": score.sum.value if score else None,
            "coverage": score.sum.coverage if score else None,
            "passed": score.sum.passed if score else None,
            "auto_failed": score.auto_failed if score else False,
            "needs_review": bool(review),
            "review_reasons": list(review),
            "error_code": why_not,
            "recording_id": text.recording_id,
            "run_id": run_id,
            "employee_id": text.employee_id,
            "started_at": text.started_at,
        }
        row = run(self._session.statement(_FILE, "keep_score"), values).fetchone()
        if row is None:
            return None
        if takes_over:
            run(self._session.statement(_FILE, "step_down"), {"checksum": checksum, "card_hash": card.hash})
            run(self._session.statement(_FILE, "take_over"), {"score_id": row[0]})
        if score is not None:
            answers = [_row(place, one, card) for place, one in enumerate(score.answers)]
            run(self._session.statement(_FILE, "keep_answers"), {"score_id": row[0], "answers": Jsonb(answers)})
        found: UUID = row[0]
        return found


def _row(place: int, answer: Answer, card: Scorecard) -> dict[str, Any]:
    criterion = card.criterion(answer.criterion)
    assert criterion is not None
    points, most = criterion.weighed(answer.answer)
    evidence = [{**asdict(one), "quote": storable(one.quote)} for one in answer.evidence]
    return {
        "criterion": answer.criterion,
        "place": place,
        "answer": answer.answer,
        "lost": answer.lost,
        "points": points,
        "max_points": most,
        "evidence": evidence,
        "why": storable(answer.why),
        "source": answer.source,
    }
