"""The calibration set of a card: texts, blind verdicts of people, answers of judges, figures."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from include.call_centre.domain.calibration_items import Item
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.state.quality_texts import CallText
from include.common.postgres_session import Session, storable

_FILE = "calibration_sets"


@dataclass(frozen=True, slots=True)
class Verdict:
    checksum: str
    criterion: str
    rater: str
    answer: str


@dataclass(frozen=True, slots=True)
class JudgeName:
    card_hash: str
    prompt_version: str
    provider: str
    model: str

    @property
    def values(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in JudgeName.__slots__}


@dataclass(frozen=True, slots=True)
class Repeated:
    """`answers`: {criterion: {answer, lost}}."""

    checksum: str
    repetition: int
    answers: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    card: str
    card_hash: str
    prompt_version: str
    provider: str
    model: str
    items: int
    figures: dict[str, dict[str, Any]]
    calls: dict[str, float | None]
    status: str
    calibrated: list[str]
    at: datetime


class CalibrationSets:
    def __init__(self, session: Session) -> None:
        self._session = session

    def may_be_added(self, card: str, since: datetime, until: datetime) -> Generator[CallText]:
        return self._session.stream(_FILE, "may_be_added", CallText, card=card, since=since, until=until)

    def earlier(self, card_hash: str) -> dict[str, str]:
        """passed | failed | none, by the text's checksum."""
        return dict(self._session.values(_FILE, "earlier", card_hash=card_hash))

    def add(self, card: str, text: CallText, body: str, *, split: str, second_rater: bool, stratum: str) -> None:
        self._session.count(
            _FILE,
            "add_item",
            card=card,
            checksum=text.checksum,
            recording_id=text.recording_id,
            body=storable(body),
            seconds=text.seconds,
            split=split,
            second_rater=second_rater,
            stratum=stratum,
        )

    def items(self, card: str) -> list[Item]:
        return self._session.rows(_FILE, "items", Item, card=card)

    def add_verdict(
        self, card: Scorecard, checksum: str, criterion: str, answer: str, *, rater: str, t: float | None, comment: str
    ) -> None:
        """A blind one, for calibration."""
        self._session.count(
            _FILE,
            "add_verdict",
            checksum=checksum,
            card=card.card,
            card_hash=card.hash,
            criterion=criterion,
            rater=rater,
            kind="calibration",
            blind=True,
            answer=answer,
            t=t,
            comment=storable(comment),
        )

    def verdicts(self, card: Scorecard) -> list[Verdict]:
        return self._session.rows(_FILE, "verdicts", Verdict, card=card.card, card_hash=card.hash)

    def keep_answers(
        self,
        connection: Connection[Any],
        judge: JudgeName,
        checksum: str,
        repetition: int,
        answers: Mapping[str, Mapping[str, Any]],
        cost: Decimal,
    ) -> None:
        """In the transaction of the payment."""
        values = {"checksum": checksum, "repetition": repetition, "answers": Jsonb(dict(answers)), "cost": cost}
        connection.execute(self._session.statement(_FILE, "keep_answers"), {**judge.values, **values})

    def answers(self, judge: JudgeName) -> list[Repeated]:
        return self._session.rows(_FILE, "answers", Repeated, **judge.values)

    def keep_figures(
        self,
        card: str,
        judge: JudgeName,
        *,
        set_hash: str,
        items: int,
        figures: Mapping[str, Any],
        calls: Mapping[str, float | None],
        status: str,
        calibrated: Sequence[str],
    ) -> None:
        self._session.values(
            _FILE,
            "keep_figures",
            card=card,
            **judge.values,
            set_hash=set_hash,
            items=items,
            figures=Jsonb(dict(figures)),
            calls=Jsonb(dict(calls)),
            status=status,
            calibrated=list(calibrated),
            cost=self._session.value(_FILE, "cost", **judge.values),
        )

    def judges(self) -> list[JudgeFigures]:
        return self._session.rows(_FILE, "judges", JudgeFigures)
