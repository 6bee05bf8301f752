"""Loads, events, runs and alerts that are too old to be asked for; what the metrics count of them is carried on."""

from dataclasses import dataclass

from include.common.postgres_session import Session
from include.sales.policy import KeepingPolicy

_FILE = "pruning"


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows are gone."""

    loads: int
    events: int
    runs: int
    alerts: int


def prune(session: Session, keeping: KeepingPolicy) -> Pruned:
    """Loads that have not ended stay with their events, and of each account its newest good load, whatever their age.
    So do runs and alerts that ClickHouse has not got, open alerts, and of each job its newest run and good run.

    May be repeated at any time: what is counted is what is deleted, in one statement.
    """
    with session.transaction():
        return Pruned(
            loads=int(session.value(_FILE, "prune_loads", days=keeping.loads_days)),
            events=int(session.value(_FILE, "prune_events", days=keeping.events_days)),
            runs=session.count(_FILE, "prune_runs", days=keeping.runs_days),
            alerts=session.count(_FILE, "prune_alerts", days=keeping.alerts_days),
        )
