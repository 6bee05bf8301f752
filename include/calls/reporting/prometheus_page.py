"""Figures in Prometheus's text format. docs/monitoring.md explains each metric."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from croniter import croniter
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from include.calls.domain.metric_values import (
    DURATION_BUCKETS,
    MONEY_KINDS,
    QA_RESULTS,
    RETRY_STAGES,
    RUN_ENDS,
    STOP_KINDS,
    TEXT_OUTCOMES,
    BackupsNow,
    Disk,
    Durations,
    Figures,
    Limits,
    RunNow,
    SmokeNow,
    Surroundings,
)
from include.calls.domain.run_bars import Bar
from include.calls.domain.states import RecordStatus
from include.calls.policy import MoneyPolicy, PortalPolicy, PrivacyPolicy, SchedulePolicy

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SCHEDULED_RUNS_LOOKED_AT = 60  # a cron of working days has its longest gap within a week, a monthly one within a year


def limits_of(
    schedule: SchedulePolicy,
    money: MoneyPolicy,
    portal: PortalPolicy,
    privacy: PrivacyPolicy,
    now: datetime,
    *,
    smoke_worse_by: float,
) -> Limits:
    """What the alerts compare with, from the reviewed settings; the schedule is read from `now` (UTC) on.

    `smoke_worse_by` is of the smoke test's policy.
    """
    times = croniter(schedule.cron, now)
    due = [times.get_next(datetime) for _ in range(SCHEDULED_RUNS_LOOKED_AT)]
    longest = max((later - earlier for earlier, later in pairwise(due)), default=timedelta())
    return Limits(
        budget_usd=money.budget_usd,
        over_budget_share=money.approval_over_share,
        deadline_seconds=schedule.sla_hours * 3600,
        schedule_seconds=longest.total_seconds(),
        secret_age_seconds=timedelta(days=privacy.secret_days).total_seconds(),
        clock_may_differ_seconds=portal.clock_may_differ_seconds,
        smoke_worse_by=smoke_worse_by,
    )


def render_metrics(figures: Figures, limits: Limits, around: Surroundings) -> bytes:
    """The whole page. A label that has not occurred yet is shown as zero, so that its first occurrence is a rise."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(figures, limits, around))
    return generate_latest(registry)


class _Page:
    """prometheus_client's collector of one scrape."""

    def __init__(self, figures: Figures, limits: Limits, around: Surroundings) -> None:
        self._figures, self._limits, self._around = figures, limits, around

    def collect(self) -> Iterator[Metric]:
        yield from _counters(self._figures)
        yield _durations(self._figures.durations)
        yield from _gauges(self._figures, self._limits)
        yield from _smoke(self._figures.smoke)
        yield from _runs(self._figures.runs)
        yield from _bars(self._figures.runs)
        yield from _backups(self._figures.backups, self._around)
        yield from _disks(self._around.disks)


def _counters(figures: Figures) -> Iterator[Metric]:
    records = figures.records
    yield _counter("call_export_runs", "Runs that ended", "status", figures.run_ends, RUN_ENDS)
    yield _counter(
        "call_export_run_stops", "Runs stopped by what no retry repairs", "kind", figures.run_stops, STOP_KINDS
    )
    yield _counter("call_transcripts", "Recordings settled", "status", records.texts, TEXT_OUTCOMES)
    yield _counter("call_export_retry", "Failures of a recording that are tried again", "stage", records.retries,
                   RETRY_STAGES)  # fmt: skip
    money = {kind: float(cost) for kind, cost in records.cost.items()}
    yield _counter("call_export_cost", "Money spent, USD", "kind", money, MONEY_KINDS)
    yield CounterMetricFamily("call_transcription_minutes", "Minutes of recognised audio", value=float(records.minutes))
    yield CounterMetricFamily("call_export_dlq_moved", "Recordings given up after a day", value=records.dead_letters)
    yield _counter(
        "call_export_qa_checked", "Findings of people who listened", "result", records.qa_checked, QA_RESULTS
    )
    codes = ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")
    yield _counter("call_export_portal_refusals", "The portal's requests to wait", "code", figures.refusals, codes)
    yield CounterMetricFamily(
        "call_export_low_rate_switches", "Times the portal began to be spared", value=figures.low_rate_switches
    )


def _durations(by_status: Mapping[str, Durations]) -> Metric:
    family = HistogramMetricFamily("call_export_duration_seconds", "From a run's start to its end", labels=["status"])
    names = [*map(str, map(float, DURATION_BUCKETS)), "+Inf"]
    for status in RUN_ENDS:
        found = by_status.get(status, Durations())
        buckets = list(zip(names, accumulate(found.counts), strict=True))
        family.add_metric([status], buckets=buckets, sum_value=found.total_seconds)
    return family


def _gauges(figures: Figures, limits: Limits) -> Iterator[Metric]:
    ended = [run for run in figures.runs if run.finished_at is not None]
    success, retention = figures.last_success_at, figures.retention_at
    values = {
        "call_export_low_rate_active": ("1 while the portal is spared", figures.low_rate_active),
        "call_export_errors_over_day": ("Recordings failing for over 24 h, without a text", figures.errors_over_day),
        "call_export_dlq_size": ("Dead letters that wait", figures.dead_letters_waiting),
        "call_export_recordings": ("Calls of the last whole run", figures.recordings),
        "call_export_audit_breaks": ("Changed, missing or cut off entries of the audit log", figures.audit_breaks),
        "call_export_erasures_open": ("Demands to erase that are not settled", figures.erasures_open),
        "call_export_erasure_waits_seconds": ("Age of the oldest of them; 0: none", figures.erasure_waits_sec),
        "call_export_audit_entries": ("Entries that it has ever had; never falls", figures.audit_entries),
        "call_export_retention_timestamp_seconds": ("End of the last night of retention; 0: none yet",
                                                    retention.timestamp() if retention else 0),
        "call_export_retention_files_left": ("Files that should be gone for a day", figures.retention_files_left),
        "call_export_latest_run_failed": ("1 while the run that ended last is in error", any(
            run.status == "error" for run in ended)),
        "call_export_last_success_timestamp_seconds": ("End of the last good run; 0: none yet",
                                                       success.timestamp() if success else 0),
        "call_export_budget_usd": ("Budget of a run", limits.budget_usd),
        "call_export_over_budget_ratio": ("By how much of it a run may go over", limits.over_budget_share),
        "call_export_deadline_seconds": ("How long a run may take", limits.deadline_seconds),
        "call_export_schedule_seconds": ("The longest time between two scheduled runs", limits.schedule_seconds),
        "call_export_secret_may_be_seconds": ("How old a secret may become", limits.secret_age_seconds),
        "call_export_portal_clock_offset_seconds": ("By how much the portal's clock was ahead in the last run", next(
            (run.clock_offset_sec for run in ended if run.clock_offset_sec is not None), 0)),
        "call_export_portal_clock_may_differ_seconds": ("By how much it may", limits.clock_may_differ_seconds),
        "stt_smoke_worse_by": ("A rise of the word error rate that is worth an alert", limits.smoke_worse_by),
    }  # fmt: skip
    for name, (help_text, value) in values.items():
        yield GaugeMetricFamily(name, help_text, value=float(value))
    checked = GaugeMetricFamily("call_export_qa_recordings", "Recordings by what people say of them", labels=["result"])
    for result in QA_RESULTS:
        checked.add_metric([result], figures.qa_recordings.get(result, 0))
    yield checked
    ages = GaugeMetricFamily("call_export_secret_age_seconds", "Since a secret was first seen", labels=["secret"])
    for secret, seconds in figures.secret_ages.items():
        ages.add_metric([secret], seconds)
    yield ages


def _smoke(newest: Iterable[SmokeNow]) -> Iterator[Metric]:
    labels = ["playlist", "engine"]
    wer = GaugeMetricFamily("stt_smoke_wer", "Word error rate of the newest smoke run", labels=labels)
    rise = GaugeMetricFamily("stt_smoke_wer_rise", "Above the last good run, entries of both", labels=labels)
    failed = GaugeMetricFamily("stt_smoke_failed", "Its entries that failed", labels=labels)
    at = GaugeMetricFamily("stt_smoke_last_run_timestamp_seconds", "When it was", labels=labels)
    for run in newest:
        names = [run.playlist, run.engine]
        if run.wer is not None:
            wer.add_metric(names, run.wer)
        if run.rise is not None:
            rise.add_metric(names, run.rise)
        failed.add_metric(names, run.failed)
        at.add_metric(names, run.at.timestamp())
    yield from (wer, rise, failed, at)


def _runs(runs: Iterable[RunNow]) -> Iterator[Metric]:
    """Series of the runs in progress and of the last one that ended; the next run's replace them."""
    state = GaugeMetricFamily("call_export_run_state", "1 for the run's status", labels=["run_id", "status"])
    started = GaugeMetricFamily("call_export_run_started_timestamp_seconds", "Its start", labels=["run_id"])
    spent = GaugeMetricFamily("call_export_run_spent_usd", "What it has spent", labels=["run_id"])
    limit = GaugeMetricFamily("call_export_run_limit_usd", "What it may spend", labels=["run_id"])
    records = GaugeMetricFamily("call_export_run_records", "Its calls", labels=["run_id", "status"])
    for run in runs:
        state.add_metric([run.run_id, run.status], 1)
        if run.started_at:
            started.add_metric([run.run_id], run.started_at.timestamp())
        spent.add_metric([run.run_id], float(run.spent))
        limit.add_metric([run.run_id], float(run.limit))
        for status in RecordStatus:
            records.add_metric([run.run_id, status], run.statuses.get(status, 0))
    yield from (state, started, spent, limit, records)


def _bars(runs: Iterable[RunNow]) -> Iterator[Metric]:
    """Of the last run that ended; none exceeds before the first one has."""
    help_texts = {
        "cases": "What was wrong in the last run that ended",
        "tried": "Of how many that it has tried",
        "exceeded": "1 if their share is above the bar of policy.yaml",
    }
    bars = next((run.bars for run in runs if run.finished_at is not None), {})
    for figure, help_text in help_texts.items():
        family = GaugeMetricFamily(f"call_export_bar_{figure}", help_text, labels=["bar"])
        for bar in Bar:
            family.add_metric([bar], bars.get(bar, {}).get(figure, 0))
        yield family


def _backups(backups: BackupsNow, around: Surroundings) -> Iterator[Metric]:
    newest, verified = backups.newest_at, backups.verified_at
    values = {
        "call_export_backup_configured": ("1 if a second place is set", around.backups_configured),
        "call_export_backup_timestamp_seconds": ("The newest backup; 0: none yet", newest.timestamp() if newest else 0),
        "call_export_backup_verified_timestamp_seconds": ("The newest one that was restored and compared",
                                                          verified.timestamp() if verified else 0),
        "call_export_backup_bytes": ("What the newest one added to the place", backups.bytes),
        "call_export_backup_seconds": ("What making it took", backups.seconds),
        "call_export_backup_restore_seconds": ("What the last restore of the databases took", backups.restore_seconds),
    }  # fmt: skip
    for name, (help_text, value) in values.items():
        yield GaugeMetricFamily(name, help_text, value=float(value))


def _disks(disks: Iterable[Disk]) -> Iterator[Metric]:
    free = GaugeMetricFamily("call_export_disk_free_bytes", "Room left on the disk", labels=["disk"])
    size = GaugeMetricFamily("call_export_disk_size_bytes", "Its size", labels=["disk"])
    for disk in disks:
        free.add_metric([disk.name], disk.free_bytes)
        size.add_metric([disk.name], disk.size_bytes)
    yield from (free, size)


def _counter(
    name: str, help_text: str, label: str, values: Mapping[str, float], expected: Iterable[str]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=[label])
    for value in dict.fromkeys([*expected, *sorted(values)]):
        family.add_metric([value], values.get(value, 0))
    return family
