"""What to do next: each piece of advice follows from a figure of this run, none is given for every run."""

from collections.abc import Iterator

from include.calls.domain.report_figures import (
    ReportSettings,
    RunFigures,
    duration_drift,
    every_call_listed,
    registry_holds_listing,
)
from include.calls.domain.run_bars import measure
from include.calls.domain.run_goals import elapsed_seconds, over_forecast
from include.calls.domain.states import EXISTING, UNFINISHED, RecordStatus
from include.calls.wording import advice as sentences
from include.calls.wording import bars


def recommendations(figures: RunFigures, settings: ReportSettings) -> list[str]:
    """Sentences for the product owner and the operator, the most urgent first; one of them even if all is well."""
    found = [
        *_about_bars(figures, settings),
        *_about_gaps(figures, settings),
        *_about_files(figures),
        *_about_trust(figures, settings),
        *_about_listening(figures, settings),
        *_about_resources(figures, settings),
    ]
    return found or [sentences.NOTHING]


def _about_bars(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    existing = sum(figures.statuses.get(status, 0) for status in EXISTING)
    for found in measure(figures.tried, settings.bars, existing=existing):
        if found.exceeded:
            yield bars.advice(found, figures.run.run_id)


def _about_gaps(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    run, statuses = figures.run, figures.statuses
    if run.stop or run.failed_step:
        yield sentences.resume(run.run_id, None if run.stop else run.failed_step)
    if registry_holds_listing(run, figures.totals) is False:
        yield sentences.REGISTRY_DIFFERS
    elif every_call_listed(run, figures.totals) is False:
        yield sentences.list_again(run.portal_total or 0, run.listed(figures.totals.calls))
    if run.clock_offset_sec is not None and abs(run.clock_offset_sec) > settings.clock_may_differ_sec:
        yield sentences.clock_differs(run.clock_offset_sec)
    if run.bad_rows:
        yield sentences.unreadable_rows(run.bad_rows)
    if run.partly_read:
        yield sentences.partly_read_rows(run.partly_read)
    left = statuses.get(RecordStatus.ERROR, 0) + sum(statuses.get(status, 0) for status in UNFINISHED)
    if left and not (run.dry_run or run.stop or run.failed_step):
        yield sentences.without_text(left, run.run_id)
    errors = [group for group in figures.gap_groups if group.status == RecordStatus.ERROR]
    for group in errors[:3]:
        yield sentences.frequent_error(group.error_code, group.calls)
    if missing := statuses.get(RecordStatus.MISSING_AUDIO, 0):
        yield sentences.lost_on_portal(missing)
    if changed := figures.totals.other_content:
        yield sentences.other_content(changed)
    if late := figures.totals.late_expected:
        yield sentences.late_recordings(late)
    waiting = [item for item in figures.dlq if item.replayed_at is None]
    if waiting:
        yield sentences.dead_letters(len(waiting))


def _about_trust(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    totals, drift = figures.totals, duration_drift(figures.totals)
    if drift is not None and drift > settings.max_duration_drift:
        yield sentences.durations_differ(drift)
    if totals.flagged:
        yield sentences.listen_to_flagged(totals.flagged)
    texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
    for line, channel in figures.swapped:
        yield sentences.channels_swapped(line.phone_line, line.swapped, line.calls, channel, figures.run.run_id)
    if totals.no_roles and totals.no_roles * 2 > texts:
        yield sentences.record_in_stereo(totals.no_roles / texts)


def _about_files(figures: RunFigures) -> Iterator[str]:
    texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
    if figures.files is not None and (lost := texts - sum(figures.files.values())) > 0:
        yield sentences.files_missing(lost)


def _about_listening(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    checked = [item for item in figures.qa_sample if item.result]
    issues = sum(item.result == "issue" for item in checked)
    if issues > settings.max_issue_share * len(checked):
        yield sentences.quality_issues(issues, len(checked), settings.max_issue_share)


def _about_resources(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    over, seconds = over_forecast(figures), elapsed_seconds(figures.run)
    if over is not None and over > settings.over_forecast_share:
        yield sentences.over_forecast(over)
    if figures.totals.spent > settings.budget_usd:
        yield sentences.ABOVE_BUDGET
    if seconds is not None and seconds > settings.sla_hours * 3600:
        yield sentences.too_slow(seconds, settings.sla_hours, settings.slots)
    if figures.trouble.refusals > settings.many_refusals or figures.trouble.low_rate_switches:
        yield sentences.spare_the_portal(figures.trouble.refusals)
