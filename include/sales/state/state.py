"""The schema `sales` of PostgreSQL: what a task needs to know of loads and what it leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from include.common.postgres_session import Session
from include.sales.state.backup_runs import BackupRuns
from include.sales.state.given_tokens import GivenTokens
from include.sales.state.job_runs import JobRuns
from include.sales.state.leases import Leases
from include.sales.state.loads import Loads
from include.sales.state.sales_alerts import SalesAlerts

QUERIES = Path(__file__).parent  # each class has its statements in the .sql file of the same name


@dataclass(frozen=True, slots=True)
class SalesState:
    """The tables of the area over one connection, which is opened on first use.

    `with SalesState.open(conninfo) as state:` closes it. Each method of each class is one short transaction;
    `with state.transaction():` joins several. Raises Temporary if the database does not respond. Row times come from
    the database's clock, the same for all workers.
    """

    session: Session
    loads: Loads
    leases: Leases
    job_runs: JobRuns
    alerts: SalesAlerts
    backups: BackupRuns
    given_tokens: GivenTokens

    @classmethod
    def open(cls, conninfo: str) -> Self:
        """`conninfo` is a libpq URL or keyword string."""
        session = Session(conninfo, QUERIES)
        return cls(
            session=session,
            loads=Loads(session),
            leases=Leases(session),
            job_runs=JobRuns(session),
            alerts=SalesAlerts(session),
            backups=BackupRuns(session),
            given_tokens=GivenTokens(session),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.session.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all statements of the block together; an exception rolls them back."""
        with self.session.transaction():
            yield
