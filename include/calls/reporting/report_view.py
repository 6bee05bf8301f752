"""The report's contents as one plain JSON-able tree: Markdown and PDF show the same strings.

Strings may come from strangers and are not escaped here: each form escapes for itself.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.calls.domain.report_figures import (
    ReportSettings,
    RunFigures,
    duration_drift,
    later_rows,
    registry_holds_listing,
)
from include.calls.domain.run_goals import Assessment, assess, elapsed_seconds
from include.calls.domain.states import RecordStatus
from include.calls.reporting import report_tables as tables
from include.calls.reporting.advice import recommendations
from include.calls.reporting.report_tables import Mask
from include.calls.wording import codes, goals, notes
from include.calls.wording import report as words
from include.common import russian_format as ru
from include.common.money import in_roubles

View = dict[str, Any]


def report_view(figures: RunFigures, settings: ReportSettings, folder: str, mask: Mask) -> View:
    """`folder` is the period's; `mask` hides phone numbers in texts of strangers."""
    assessment = assess(figures, settings)
    zone, calls_url = settings.zone, settings.calls_url
    return {
        "period": f"{ru.day(figures.run.period_from.date())} — {ru.day(figures.run.period_to.date())}",
        "zone": words.days_are_in(zone, edges_cut=tables.edges_cut(figures, zone)),
        "level": assessment.level,
        "headline": _headline(figures, assessment),
        "verdict": words.verdict(assessment.verdict.status, mask(notes.verdict(assessment.verdict))),
        "summary": _summary(figures, settings),
        "goals_head": goals.HEAD,
        "goals": [goals.row(goal) for goal in assessment.goals],
        "facts": _facts(figures, settings),
        "volume": _volume(figures),
        "money": _money(figures, settings),
        "proof": _proof(figures),
        "days_head": words.DAYS_HEAD,
        "days": tables.days(figures, zone),
        "gap_groups": tables.gap_groups(figures),
        "gaps": tables.gaps(figures, zone, mask, calls_url),
        "gaps_hidden": tables.hidden_gaps(figures),
        "drift": _drift(figures, settings),
        "drifts": tables.drifts(figures, calls_url),
        "hearing": words.hearing(figures.totals, figures.statuses.get(RecordStatus.COMPLETED, 0)),
        "review": tables.review(figures),
        "flagged": tables.flagged(figures, zone, calls_url),
        "flagged_hidden": tables.hidden_flagged(figures),
        "dlq": tables.dlq(figures, zone, calls_url),
        "stages": tables.stages(figures, zone),
        "trouble": words.portal_trouble(
            figures.trouble.refusals, figures.trouble.low_rate_switches, low_rate=figures.run.low_rate
        ),
        "operating": tables.operating(figures),
        "advice": recommendations(figures, settings),
        "qa": tables.qa(figures, folder, zone, mask, calls_url),
        "qa_summary": tables.qa_summary(figures),
        "qa_how": words.qa_how(figures.run.run_id),
        "prompts": words.PROMPTS,
    }


def _headline(figures: RunFigures, assessment: Assessment) -> str:
    run = figures.run
    if run.stop:
        return words.STOPPED
    if run.failed_step:
        return words.unfinished_headline(run.failed_step)
    if run.refused:
        return words.REFUSED
    if run.dry_run and assessment.level != "bad":
        return words.FORECAST_ONLY
    return words.HEADLINES[assessment.level]


def _summary(figures: RunFigures, settings: ReportSettings) -> str:
    totals = figures.totals
    gone = (RecordStatus.NO_RECORDING, RecordStatus.MISSING_AUDIO)
    return words.summary(
        totals,
        existing=totals.calls - sum(figures.statuses.get(status, 0) for status in gone),
        texts=figures.statuses.get(RecordStatus.COMPLETED, 0),
        spent_in_roubles=in_roubles(totals.spent, settings.usd_rub_rate),
    )


def _facts(figures: RunFigures, settings: ReportSettings) -> tables.Rows:
    run, zone = figures.run, settings.zone
    seconds = elapsed_seconds(run)
    return [
        [words.PERIOD, words.period(run)],
        [words.ZONE, ru.zone_name(zone)],
        [words.RUN, tables.linked(str(run.run_id), settings.calls_url, f"runs/{run.run_id}")],
        [words.STARTED_BY, words.started_by(run.actor, run.trigger)],
        [words.BEGAN, ru.moment(run.started_at, zone) if run.started_at else words.NOTHING],
        [words.TOOK, ru.hours(seconds) if seconds is not None else words.NOTHING],
        [words.SUMMARIES, words.YES if run.generate_summary else words.NO],
        [words.BUDGET_DECISION, _decision(figures, settings)],
        [words.WRITTEN, ru.moment(settings.generated_at, zone)],
    ]


def _decision(figures: RunFigures, settings: ReportSettings) -> str:
    run = figures.run
    if run.decision is None or run.decided_at is None:
        return words.no_decision_needed(settings.budget_usd)
    return words.decision(run, run.decided_at, settings.zone)


def _volume(figures: RunFigures) -> list[list[str]]:
    totals, minutes = figures.totals, figures.run.forecast_minutes
    return [
        [words.CALLS, ru.number(totals.calls)],
        *[[codes.status_name(status).capitalize(), ru.number(n)] for status, n in figures.statuses.items()],
        [words.MINUTES, ru.number(totals.minutes, 2)],
        [words.HOURS, ru.number(totals.minutes / 60, 2)],
        [words.BILLED_MINUTES, ru.number(totals.billed_minutes)],
        [words.FORECAST_MINUTES, words.NOTHING if minutes is None else ru.number(minutes)],
        [words.BOUGHT_MINUTES, ru.number(totals.bought_minutes)],
        [words.EARLIER_TEXTS, ru.number(totals.reused)],
        [words.PORTAL_TEXTS, ru.number(totals.from_portal)],
        [words.FLAGGED, ru.number(totals.flagged)],
    ]


def _money(figures: RunFigures, settings: ReportSettings) -> list[list[str]]:
    totals, forecast = figures.totals, figures.run.forecast_cost
    rows: Sequence[tuple[str, Decimal | None]] = (
        (words.FORECAST, forecast),
        (words.SPENT, totals.spent),
        (words.SPENT_ON_RECOGNITION, totals.spent - totals.spent_on_summaries),
        (words.SPENT_ON_SUMMARIES, totals.spent_on_summaries),
        (words.OVER_FORECAST, totals.spent - forecast if forecast is not None else None),
        (words.PER_SECOND, totals.spent_per_second),
        (words.ALL_TEXTS, totals.cost),
        (words.BUDGET, settings.budget_usd),
        (words.APPROVED, figures.run.approved_cost),
    )
    return [
        [name, ru.number(usd, 4), ru.number(in_roubles(usd, settings.usd_rub_rate), 2)]
        if usd is not None
        else [name, words.NOTHING, words.NOTHING]
        for name, usd in rows
    ]


def _proof(figures: RunFigures) -> list[str]:
    run, totals = figures.run, figures.totals
    lines = [words.rows_by_status(totals.calls, figures.statuses)]
    if run.limit_calls:
        lines.append(words.trial(run.limit_calls))
    elif run.portal_total is None:
        lines.append(words.TOTAL_UNKNOWN)
    else:
        more = run.listed(totals.calls) - run.portal_total
        lines.append(words.listing_proof(run, totals.calls, proven=more >= 0))
        if more > 0:
            lines.append(words.came_while_listing(more))
        if (holds := registry_holds_listing(run, totals)) is not None:
            lines.append(words.registry_proof(run, totals, later=later_rows(run, totals), proven=holds))
    if figures.files is not None:
        texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
        lines.append(words.files_proof(texts, sum(figures.files.values())))
    return lines


def _drift(figures: RunFigures, settings: ReportSettings) -> str:
    totals, share = figures.totals, duration_drift(figures.totals)
    if share is None:
        return words.NOTHING_MEASURED
    return words.drift(totals.portal_sec, totals.audio_sec, share, settings.max_duration_drift)
