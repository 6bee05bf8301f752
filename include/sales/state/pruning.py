"""Loads and events that are too old to be asked for; what the metrics count of them is carried on."""

from dataclasses import dataclass

from include.common.postgres_session import Session

_FILE = "pruning"


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows are gone."""

    loads: int
    events: int


def prune(session: Session, *, loads_days: int, events_days: int) -> Pruned:
    """Loads that have not ended stay with their events, and of each account its newest good load, whatever their age.

    May be repeated at any time: what is counted is what is deleted, in one statement.
    """
    with session.transaction():
        return Pruned(
            loads=int(session.value(_FILE, "prune_loads", days=loads_days)),
            events=int(session.value(_FILE, "prune_events", days=events_days)),
        )
