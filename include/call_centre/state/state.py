"""The state of the call centre: schema `callcenter` of the state database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from psycopg import Connection

from include.call_centre.state.daily_rows import DailyRows
from include.call_centre.state.quality_runs import QualityRuns
from include.call_centre.state.quality_scores import QualityScores
from include.call_centre.state.quality_texts import QualityTexts
from include.common.postgres_session import Session

QUERIES = Path(__file__).parent  # each class has its statements in the .sql file of the same name


@dataclass(frozen=True, slots=True)
class QualityState:
    """Over one connection, opened on first use; `with QualityState.open(conninfo) as state:` closes it."""

    session: Session
    runs: QualityRuns
    texts: QualityTexts
    scores: QualityScores
    days: DailyRows

    @classmethod
    def open(cls, conninfo: str) -> Self:
        return cls.over(Session(conninfo, QUERIES))

    @classmethod
    def over(cls, session: Session) -> Self:
        return cls(session, QualityRuns(session), QualityTexts(session), QualityScores(session), DailyRows(session))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        with self.session.transaction() as connection:
            yield connection
