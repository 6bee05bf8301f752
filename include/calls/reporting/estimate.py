"""The forecast of a run in words, written before anything is spent."""

from decimal import Decimal
from math import ceil

from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.reporting.markdown import render
from include.calls.wording import estimate as words
from include.common import russian_format as ru
from include.common.budget import PlannedSpending
from include.common.money import in_roubles

_QUICK, _SLOW = 10, 30  # seconds of recognition per minute of audio: a quick service, and the worst that is expected


def render_estimate(estimate: Estimate, settings: ReportSettings, planned: PlannedSpending) -> str:
    """Markdown for `reports/estimate_<period>.md`: what will be bought, for how much, whether approval is needed."""
    run = estimate.run
    return render(
        "estimate.md.j2",
        period=f"{ru.day(run.period_from.date())} — {ru.day(run.period_to.date())}",
        verdict=_verdict(estimate, settings, planned),
        volume=_volume(estimate),
        money=_money(settings, planned),
        times=_times(estimate, settings),
        sla=words.deadline(settings.sla_hours),
        slots=ru.number(settings.slots),
        run_id=str(run.run_id),
        made=ru.named_moment(settings.generated_at, settings.zone),
    )


def hours_needed(estimate: Estimate, seconds_per_minute: float, slots: int) -> float:
    """Hours of recognition at so many seconds per minute of audio in so many slots."""
    return float(estimate.minutes) * seconds_per_minute / slots / 3600


def slots_needed(estimate: Estimate, seconds_per_minute: float, sla_hours: float) -> int:
    """How many recordings must be recognised at once to meet the deadline; at least one."""
    return max(1, ceil(float(estimate.minutes) * seconds_per_minute / (sla_hours * 3600)))


def _verdict(estimate: Estimate, settings: ReportSettings, planned: PlannedSpending) -> list[str]:
    sentences = [_about_money(estimate, planned)]
    if hours_needed(estimate, settings.seconds_per_minute, settings.slots) > settings.sla_hours:
        needed = slots_needed(estimate, settings.seconds_per_minute, settings.sla_hours)
        sentences.append(words.too_slow(needed))
    return sentences


def _about_money(estimate: Estimate, planned: PlannedSpending) -> str:
    if estimate.to_buy == 0:
        return words.NOTHING_TO_BUY
    if planned.needs_approval:
        over = planned.total - planned.ceiling
        return words.needs_approval(over, planned.sum_to_approve, dry_run=estimate.run.dry_run)
    if planned.spending.approved is not None:
        return words.APPROVED
    return words.WITHIN_TOLERANCE if planned.total > planned.budget.usd else words.WITHIN_BUDGET


def _volume(estimate: Estimate) -> list[list[str]]:
    total = estimate.run.portal_total
    return [
        [words.PORTAL_TOTAL, ru.number(total) if total is not None else words.UNKNOWN],
        [words.CALLS, ru.number(estimate.calls)],
        [words.RECORDINGS, ru.number(estimate.recordings)],
        [words.REUSED, ru.number(estimate.reused)],
        *([[words.ENDED, ru.number(estimate.ended)]] if estimate.ended else []),
        [words.TO_BUY, ru.number(estimate.to_buy)],
        [words.MINUTES, ru.number(estimate.minutes, 1)],
        [words.BILLED_MINUTES, ru.number(estimate.billed_minutes)],
    ]


def _money(settings: ReportSettings, planned: PlannedSpending) -> list[list[str]]:
    spent, approved = planned.spending.spent, planned.spending.approved
    sums = {
        words.FORECAST: planned.forecast,
        words.SPENT: spent or None,
        words.BUDGET: planned.budget.usd,
        words.APPROVED_COST: approved,
        words.CEILING: planned.ceiling,
    }
    return [[name, ru.number(usd, 4), _roubles(usd, settings)] for name, usd in sums.items() if usd is not None]


def _roubles(usd: Decimal, settings: ReportSettings) -> str:
    return ru.number(in_roubles(usd, settings.usd_rub_rate), 2)


def _times(estimate: Estimate, settings: ReportSettings) -> list[list[str]]:
    expected = settings.seconds_per_minute
    return [
        [
            words.speed(latency, expected=latency == expected),
            ru.hours(hours_needed(estimate, latency, settings.slots) * 3600),
            ru.number(slots_needed(estimate, latency, settings.sla_hours)),
        ]
        for latency in sorted({_QUICK, expected, _SLOW})
    ]
