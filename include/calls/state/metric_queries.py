"""The figures for the monitoring, read at each scrape: from PostgreSQL, so that no restart of ours forgets them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from include.calls.domain.metric_values import DURATION_BUCKETS, Durations, Figures, RecordCounters, RunNow
from include.calls.state.session import Session

_FILE = "metrics"
EVENTS_AT_ONCE = 1_000_000  # a second or two on a small machine


class MetricsReader(Session):
    """Keeps the sum of the history up to a quarter of an hour ago; a scrape reads what came since.

    The first scrape of a process reads the whole history, in portions: one that is broken off is continued by the next.
    One reader per process, one thread at a time. Raises Temporary where the database does not answer.
    """

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self._settled, self._up_to = RecordCounters(), 0

    def figures(self, *, run_limit: Decimal) -> Figures:
        """`run_limit` (USD) is what a run may spend that nobody has approved more for."""
        events = self._run_events()
        return Figures(
            run_ends={
                name: count for (name, _), count in events.items() if name in ("completed", "error", "cancelled")
            },
            run_stops=_labelled(events, "run_stopped"),
            refusals=_labelled(events, "portal_refused"),
            low_rate_switches=events.get(("low_rate_on", ""), 0),
            durations=_durations(self._values(_FILE, "durations", bounds=list(DURATION_BUCKETS))),
            records=self._record_counters(),
            low_rate_active=self._value("low_rate_active"),
            qa_recordings=dict(self._values(_FILE, "qa_recordings")),
            errors_over_day=self._value("errors_over_day"),
            dead_letters_waiting=self._value("dead_letters_waiting"),
            recordings=self._value("recordings"),
            last_success_at=self._value("last_success"),
            runs=tuple(RunNow(*row) for row in self._values(_FILE, "runs", limit=run_limit)),
        )

    def _run_events(self) -> dict[tuple[str, str], int]:
        return {(event, label): count for event, label, count in self._values(_FILE, "run_events")}

    def _record_counters(self) -> RecordCounters:
        settled = self._value("settled")
        if settled < self._up_to:  # another database, restored from a copy say
            self._settled, self._up_to = RecordCounters(), 0
        while self._up_to < settled:
            up_to = min(settled, self._up_to + EVENTS_AT_ONCE)
            self._settled += _counters(self._values(_FILE, "record_events", after=self._up_to, up_to=up_to))
            self._up_to = up_to
        return self._settled + _counters(self._values(_FILE, "record_events", after=self._up_to, up_to=None))

    def _value(self, name: str) -> Any:
        return self._values(_FILE, name)[0][0]


def _labelled(events: Mapping[tuple[str, str], int], wanted: str) -> dict[str, int]:
    return {label: count for (event, label), count in events.items() if event == wanted}


def _durations(rows: Iterable[tuple[Any, ...]]) -> dict[str, Durations]:
    found: dict[str, Durations] = {}
    for status, bucket, count, seconds in rows:
        before = found.get(status, Durations())
        counts = list(before.counts)
        counts[bucket] += count
        found[status] = Durations(tuple(counts), before.total_seconds + seconds)
    return found


def _counters(rows: Iterable[tuple[Any, ...]]) -> RecordCounters:
    total = RecordCounters()
    for outcome, label, count, cost, minutes in rows:
        match outcome:
            case "retry":
                total += RecordCounters(retries={label: count})
            case "qa_checked":
                total += RecordCounters(qa_checked={label: count})
            case "moved_to_dlq":
                total += RecordCounters(dead_letters=count)
            case "summarized":
                total += RecordCounters(cost={"summary": cost})
            case _:
                total += RecordCounters(texts={outcome: count}, cost={"recognition": cost}, minutes=minutes)
    return total
