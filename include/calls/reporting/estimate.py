"""The forecast of a run in words, written before anything is spent (D26)."""

from decimal import Decimal
from math import ceil

from include.calls.domain.budget import PlannedSpending
from include.calls.domain.report_figures import Estimate, ReportSettings
from include.calls.reporting.markdown import render
from include.common import russian_format as ru
from include.common.money import in_roubles

# Seconds of recognition per minute of audio: a quick service, the promise's edge for 10 lines, the PRD's worst case.
_LATENCIES = (10, 24, 30)


def render_estimate(estimate: Estimate, settings: ReportSettings, planned: PlannedSpending) -> str:
    """Markdown for `reports/estimate_<period>.md`: what will be bought, for how much, whether a person is asked."""
    run = estimate.run
    return render(
        "estimate.md.j2",
        period=f"{ru.day(run.period_from.date())} — {ru.day(run.period_to.date())}",
        verdict=_verdict(estimate, settings, planned),
        volume=_volume(estimate),
        money=_money(settings, planned),
        times=_times(estimate, settings),
        sla=f"{ru.number(settings.sla_hours)} ч",
        lines=ru.number(settings.lines),
        run_id=str(run.run_id),
        made=ru.utc_moment(settings.generated_at),
    )


def hours_needed(estimate: Estimate, seconds_per_minute: float, lines: int) -> float:
    """Hours of recognition at so many seconds per minute of audio with so many calls at once."""
    return float(estimate.minutes) * seconds_per_minute / lines / 3600


def lines_needed(estimate: Estimate, seconds_per_minute: float, sla_hours: float) -> int:
    """How many calls must be recognised at once to be through in time; at least one."""
    return max(1, ceil(float(estimate.minutes) * seconds_per_minute / (sla_hours * 3600)))


def _verdict(estimate: Estimate, settings: ReportSettings, planned: PlannedSpending) -> list[str]:
    sentences = []
    if estimate.to_buy == 0:
        sentences.append("Покупать нечего: новых записей для распознавания нет.")
    elif planned.needs_approval:
        over = ru.dollars(planned.total - planned.ceiling)
        next_step = (
            "без dry_run запуск остановится и спросит" if estimate.run.dry_run else "запуск остановился и спрашивает"
        )
        sentences.append(
            f"Нужно согласование: прогноз на {over} выше того, что можно потратить без вопроса; {next_step}, можно ли "
            f"потратить до {ru.dollars(planned.sum_to_approve)}."
        )
    elif planned.spending.approved is not None:
        sentences.append("Прогноз в пределах согласованной суммы.")
    elif planned.total > planned.budget.usd:
        sentences.append("Прогноз выше бюджета, но в пределах допуска: согласование не нужно.")
    else:
        sentences.append("Прогноз в пределах бюджета: согласование не нужно.")
    if hours_needed(estimate, settings.seconds_per_minute, settings.lines) > settings.sla_hours:
        needed = lines_needed(estimate, settings.seconds_per_minute, settings.sla_hours)
        sentences.append(f"В срок не уложиться: нужно TRANSCRIBE_CONCURRENCY не меньше {needed}.")
    return sentences


def _volume(estimate: Estimate) -> list[list[str]]:
    total = estimate.run.portal_total
    return [
        ["Звонков по счёту портала", ru.number(total) if total is not None else "неизвестно"],
        ["Звонков в списке", ru.number(estimate.calls)],
        ["Из них с записью", ru.number(estimate.recordings)],
        ["Тексты есть от прежних запусков", ru.number(estimate.reused)],
        ["Записей к распознаванию", ru.number(estimate.to_buy)],
        ["Минут к распознаванию", ru.number(estimate.minutes, 1)],
        ["Минут к оплате (вверх на каждый звонок)", ru.number(estimate.billed_minutes)],
    ]


def _money(settings: ReportSettings, planned: PlannedSpending) -> list[list[str]]:
    spent, approved = planned.spending.spent, planned.spending.approved
    sums = {
        "Прогноз": planned.forecast,
        "Уже потрачено этим запуском": spent or None,
        "Бюджет запуска": planned.budget.usd,
        "Согласовано человеком": approved,
        "Можно потратить без вопроса": planned.ceiling,
    }
    return [[name, ru.number(usd, 4), _roubles(usd, settings)] for name, usd in sums.items() if usd is not None]


def _roubles(usd: Decimal, settings: ReportSettings) -> str:
    return ru.number(in_roubles(usd, settings.usd_rub_rate), 2)


def _times(estimate: Estimate, settings: ReportSettings) -> list[list[str]]:
    latencies = sorted({*_LATENCIES, settings.seconds_per_minute})
    return [
        [
            f"{ru.number(latency)} с на минуту" + (" (ожидаемая)" if latency == settings.seconds_per_minute else ""),
            ru.hours(hours_needed(estimate, latency, settings.lines) * 3600),
            ru.number(lines_needed(estimate, latency, settings.sla_hours)),
        ]
        for latency in latencies
    ]
