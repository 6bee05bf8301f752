"""The state of the export: what a task needs to know and what it leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from include.calls.state.charges import Charges
from include.calls.state.claims import Claims
from include.calls.state.dead_letters import DeadLetters
from include.calls.state.events import Events
from include.calls.state.listing import Listing
from include.calls.state.moves import Moves
from include.calls.state.portals import Portals
from include.calls.state.recordings import Recordings
from include.calls.state.runs import Runs
from include.calls.state.stored_responses import Responses
from include.calls.state.stored_transcripts import Transcripts
from include.calls.state.work import Work
from include.common.postgres_session import Session

QUERIES = Path(__file__).parent  # each class has its statements in the .sql file of the same name


@dataclass(frozen=True, slots=True)
class State:
    """The tables of the call export over one connection, which is opened on first use, and a second one for claims.

    `with State.open(conninfo) as state:` closes it. Each method of each class is one short transaction;
    `with state.transaction():` joins several. Raises Temporary if the database does not respond. Row times come from
    the database's clock, the same for all workers.

    Classes that few tasks need are not fields; a step makes them over the session, as in `Registry(state.session)`:
    Publications, Registry, ReportFigures, QaChecks, Notifications, MetricsReader.
    """

    session: Session
    runs: Runs
    portals: Portals
    listing: Listing
    recordings: Recordings
    moves: Moves
    work: Work
    claims: Claims
    transcripts: Transcripts
    charges: Charges
    responses: Responses
    dead_letters: DeadLetters
    events: Events

    @classmethod
    def open(cls, conninfo: str) -> Self:
        """`conninfo` is a libpq URL or keyword string."""
        return cls.over(Session(conninfo, QUERIES))

    @classmethod
    def over(cls, session: Session) -> Self:
        """The state over a session that the caller has made."""
        return cls(
            session=session,
            runs=Runs(session),
            portals=Portals(session),
            listing=Listing(session),
            recordings=Recordings(session),
            moves=Moves(session),
            work=Work(session),
            claims=Claims(session),
            transcripts=Transcripts(session),
            charges=Charges(session),
            responses=Responses(session),
            dead_letters=DeadLetters(session),
            events=Events(session),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.claims.close()
        self.session.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all statements of the block together; an exception rolls them back."""
        with self.session.transaction():
            yield
