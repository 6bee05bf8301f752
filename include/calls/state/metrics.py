"""The figures for the monitoring, read at each scrape from PostgreSQL: a restart of ours forgets none of them."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from include.calls.domain.metric_values import (
    DURATION_BUCKETS,
    BackupsNow,
    Durations,
    Figures,
    RecordCounters,
    RunNow,
    SmokeNow,
)
from include.calls.state.audit import ChainWatch
from include.common.postgres_session import Session

_FILE = "metrics"
EVENTS_AT_ONCE = 1_000_000  # a second or two on a small machine

Counter = tuple[str, str, int]  # metric, label and bucket of a histogram
Counted = dict[Counter, tuple[int, Decimal]]  # count and amount: minutes or seconds


class MetricsReader:
    """Counters are `metric_totals` plus the history after it; gauges and money are read from the rows and the ledger.

    A reader keeps the sum of the history up to a quarter of an hour ago, so a scrape reads what came since. The first
    scrape of a process reads what came after `metric_totals`, in portions; if it breaks off, the next one continues.
    One reader per process, one thread at a time. Raises Temporary if the database does not respond.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._folded, self._read_up_to = 0, 0
        self._read: Counted = {}
        self._chain = ChainWatch(session)

    @classmethod
    def open(cls, conninfo: str) -> Self:
        return cls(Session(conninfo, Path(__file__).parent))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def figures(self, *, run_limit: Decimal) -> Figures:
        """`run_limit` (USD) is what a run may spend if no person has approved more."""
        counted = self._counters()
        values = self._session.values
        ((erasures_open, erasure_waits_sec),) = values(_FILE, "erasures")
        retention_at, retention_files_left = values(_FILE, "retention")[0]
        return Figures(
            run_ends={
                name.removeprefix("run_"): count
                for (name, _, _), (count, _) in counted.items()
                if name in ("run_completed", "run_error", "run_cancelled")
            },
            run_stops=_by_label(counted, "run_run_stopped"),
            refusals=_by_label(counted, "run_portal_refused"),
            low_rate_switches=sum(_by_label(counted, "run_low_rate_on").values()),
            durations=_durations(counted),
            records=_records(counted, dict(values(_FILE, "spent_by_kind"))),
            low_rate_active=self._session.value(_FILE, "low_rate_active"),
            qa_recordings=dict(values(_FILE, "qa_recordings")),
            errors_over_day=self._session.value(_FILE, "errors_over_day"),
            dead_letters_waiting=self._session.value(_FILE, "dead_letters_waiting"),
            recordings=self._session.value(_FILE, "recordings"),
            audit_breaks=self._chain.breaks(),
            audit_entries=self._session.value(_FILE, "audit_entries"),
            secret_ages=dict(values(_FILE, "secret_ages")),
            erasures_open=erasures_open,
            erasure_waits_sec=erasure_waits_sec,
            last_success_at=self._session.value(_FILE, "last_success"),
            retention_at=retention_at,
            retention_files_left=retention_files_left,
            backups=BackupsNow(*values(_FILE, "backups")[0]),
            smoke=tuple(SmokeNow(*row) for row in values(_FILE, "smoke")),
            runs=tuple(RunNow(*row) for row in values(_FILE, "runs", limit=run_limit)),
        )

    def data_directory(self) -> str | None:
        """Where the server keeps its files; None if this user may not know."""
        found: str | None = self._session.value(_FILE, "data_directory")
        return found

    def fold(self) -> None:
        """Adds the settled history to `metric_totals`; several processes may do it at once.

        After that, months of the history may be dropped.
        """
        with self._session.transaction():
            folded = self._session.value(_FILE, "lock_totals")
            settled = self._session.value(_FILE, "settled")
            if settled <= folded:
                return
            counted = self._history(folded, settled)
            keys = list(counted)
            self._session.count(
                _FILE,
                "add_totals",
                up_to=settled,
                metrics=[metric for metric, _, _ in keys],
                labels=[label for _, label, _ in keys],
                buckets=[bucket for _, _, bucket in keys],
                counts=[counted[key][0] for key in keys],
                amounts=[counted[key][1] for key in keys],
            )

    def _counters(self) -> Counted:
        totals = self._session.values(_FILE, "totals")
        folded, settled = totals[0][0], max(totals[0][0], self._session.value(_FILE, "settled"))
        if folded != self._folded or settled < self._read_up_to:  # folded since, or another database, a restored copy
            self._folded, self._read_up_to, self._read = folded, folded, {}
        while self._read_up_to < settled:
            up_to = min(settled, self._read_up_to + EVENTS_AT_ONCE)
            self._read = _sum(self._read, self._history(self._read_up_to, up_to))
            self._read_up_to = up_to
        kept = _counted(row[1:] for row in totals if row[1] is not None)
        return _sum(kept, self._read, self._history(self._read_up_to, None))

    def _history(self, after: int, up_to: int | None) -> Counted:
        bounds = list(DURATION_BUCKETS)
        return _counted(self._session.values(_FILE, "counted", after=after, up_to=up_to, bounds=bounds))


def _counted(rows: Iterable[tuple[Any, ...]]) -> Counted:
    return {(metric, label, bucket): (count, amount) for metric, label, bucket, count, amount in rows}


def _sum(*parts: Counted) -> Counted:
    total: Counted = {}
    for part in parts:
        for key, (count, amount) in part.items():
            before_count, before_amount = total.get(key, (0, Decimal(0)))
            total[key] = before_count + count, before_amount + amount
    return total


def _by_label(counted: Counted, wanted: str) -> dict[str, int]:
    return {label: count for (metric, label, _), (count, _) in counted.items() if metric == wanted}


def _durations(counted: Counted) -> dict[str, Durations]:
    found: dict[str, Durations] = {}
    for (metric, status, bucket), (count, seconds) in counted.items():
        if metric != "run_seconds":
            continue
        before = found.get(status, Durations())
        counts = list(before.counts)
        counts[bucket] += count
        found[status] = Durations(tuple(counts), before.total_seconds + float(seconds))
    return found


def _records(counted: Counted, spent: dict[str, Decimal]) -> RecordCounters:
    texts: dict[str, int] = {}
    for outcome in ("completed", "error", "missing_audio"):
        texts[outcome] = sum(_by_label(counted, outcome).values())
    minutes = sum((amount for (metric, _, _), (_, amount) in counted.items() if metric == "completed"), Decimal(0))
    return RecordCounters(
        texts=texts,
        retries=_by_label(counted, "retry"),
        cost=spent,
        minutes=minutes,
        dead_letters=sum(_by_label(counted, "moved_to_dlq").values()),
        qa_checked=_by_label(counted, "qa_checked"),
    )
