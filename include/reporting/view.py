"""The report's contents in words, one plain JSON-able tree for both forms: Markdown and PDF show the same strings.

Strings may come from strangers and are not escaped here: each form escapes for itself.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from include.domain.money import in_roubles
from include.domain.report import ReportSettings, RunFigures, duration_drift, every_call_listed
from include.domain.states import RecordStatus
from include.reporting import wording as w
from include.reporting.advice import recommendations
from include.reporting.assessment import Assessment, assess, elapsed_seconds

View = dict[str, Any]
Mask = Callable[[str], str]

HEADLINES = {
    "good": "Выгрузка принята: все цели достигнуты",
    "remarks": "Выгрузка принята, есть замечания",
    "bad": "Выгрузка не принята: есть что доделать",
}
FORECAST_ONLY = "Только прогноз: ничего не скачано и не потрачено"
OUTCOMES = {"met": "да", "missed": "нет", "unknown": "нет данных"}


def report_view(figures: RunFigures, settings: ReportSettings, folder: str, mask: Mask) -> View:
    """`folder` is the period's; `mask` hides phone numbers in texts of strangers."""
    assessment = assess(figures, settings)
    return {
        "period": f"{w.day(figures.run.period_from.date())} — {w.day(figures.run.period_to.date())}",
        "level": assessment.level,
        "headline": _headline(figures, assessment),
        "verdict": f"Итог запуска: {assessment.verdict.status}, {mask(assessment.verdict.sentence)}.",
        "summary": _summary(figures, settings),
        "goals": [[goal.name, goal.norm, goal.fact, OUTCOMES[goal.outcome]] for goal in assessment.goals],
        "facts": _facts(figures, settings),
        "volume": _volume(figures),
        "money": _money(figures, settings),
        "proof": _proof(figures),
        "gap_groups": _gap_groups(figures),
        "gaps": _gaps(figures, mask),
        "gaps_hidden": _hidden_gaps(figures),
        "drift": _drift(figures),
        "drifts": _drifts(figures),
        "review": [[w.REVIEW_REASONS.get(reason, reason), w.number(n)] for reason, n in figures.review_reasons.items()],
        "dlq": _dlq(figures),
        "stages": _stages(figures),
        "trouble": f"Отказов портала по скорости: {w.number(figures.trouble.refusals)}, переходов на щадящий режим: "
        f"{w.number(figures.trouble.low_rate_switches)}.",
        "advice": recommendations(figures, settings),
        "qa": _qa(figures, folder),
    }


def _headline(figures: RunFigures, assessment: Assessment) -> str:
    run = figures.run
    if run.stop:
        return "Выгрузка остановлена"
    if run.failed_step:
        return f"Выгрузка не закончена: не выполнен шаг {run.failed_step}"
    if run.dry_run and assessment.level != "bad":
        return FORECAST_ONLY
    return HEADLINES[assessment.level]


def _summary(figures: RunFigures, settings: ReportSettings) -> str:
    totals, texts = figures.totals, figures.statuses.get(RecordStatus.COMPLETED, 0)
    gone = (RecordStatus.NO_RECORDING, RecordStatus.MISSING_AUDIO)
    existing = totals.calls - sum(figures.statuses.get(status, 0) for status in gone)
    return (
        f"{w.count(totals.calls, 'звонок', 'звонка', 'звонков')} за период, запись есть у {w.number(existing)}, "
        f"текст — у {w.number(texts)}{_covered(texts, existing)}. Распознано "
        f"{w.number(totals.minutes, 1)} мин ({w.number(totals.minutes / 60, 1)} ч). "
        f"Этот запуск потратил {w.dollars(totals.spent)} "
        f"({w.roubles(in_roubles(totals.spent, settings.usd_rub_rate))})."
    )


def _covered(texts: int, existing: int) -> str:
    return f" ({w.percent(texts / existing)})" if existing else ""


def _facts(figures: RunFigures, settings: ReportSettings) -> list[list[str]]:
    run = figures.run
    seconds = elapsed_seconds(run)
    return [
        ["Период", f"{w.utc_moment(run.period_from)} — {w.utc_moment(run.period_to)}, включительно"],
        ["Запуск", str(run.run_id)],
        ["Кто запустил", f"{run.actor}, {w.TRIGGERS.get(run.trigger, run.trigger)}"],
        ["Начало", w.utc_moment(run.started_at) if run.started_at else "—"],
        ["Заняло", w.hours(seconds) if seconds is not None else "—"],
        ["Саммари", "да" if run.generate_summary else "нет"],
        ["Отчёт составлен", w.utc_moment(settings.generated_at)],
    ]


def _volume(figures: RunFigures) -> list[list[str]]:
    totals = figures.totals
    return [
        ["Звонков в реестре", w.number(totals.calls)],
        *[[w.status_name(status).capitalize(), w.number(n)] for status, n in figures.statuses.items()],
        ["Минут распознано", w.number(totals.minutes, 2)],
        ["То же в часах", w.number(totals.minutes / 60, 2)],
        ["Минут к оплате (вверх на каждый звонок)", w.number(totals.billed_minutes)],
        ["Тексты прежних запусков", w.number(totals.reused)],
        ["Тексты самого портала", w.number(totals.from_portal)],
        ["С пометкой «проверить»", w.number(totals.flagged)],
    ]


def _money(figures: RunFigures, settings: ReportSettings) -> list[list[str]]:
    totals, forecast = figures.totals, figures.run.forecast_cost
    rows: Sequence[tuple[str, Decimal | None]] = (
        ("Прогноз перед запуском", forecast),
        ("Потрачено этим запуском", totals.spent),
        ("Факт минус прогноз", totals.spent - forecast if forecast is not None else None),
        ("Потрачено посекундно, как в счёте сервиса", totals.spent_per_second),
        ("Все тексты периода, кто бы ни платил", totals.cost),
        ("Бюджет запуска", settings.budget_usd),
    )
    return [
        [name, w.number(usd, 4), w.number(in_roubles(usd, settings.usd_rub_rate), 2)]
        if usd is not None
        else [name, "—", "—"]
        for name, usd in rows
    ]


def _proof(figures: RunFigures) -> list[str]:
    run, totals = figures.run, figures.totals
    by_status = " + ".join(f"{w.number(n)} ({w.status_name(status)})" for status, n in figures.statuses.items())
    lines = [f"Строк реестра: {w.number(totals.calls)} = {by_status or '0'}."]
    bad = f", непонятных строк {w.number(run.bad_rows)}" if run.bad_rows else ""
    shared = f", строк о той же записи {w.number(run.shared_rows)}" if run.shared_rows else ""
    if run.limit_calls:
        most = w.count(run.limit_calls, "записи", "записей", "записей")
        lines.append(f"Пробная выгрузка: не больше {most}, полнота не проверялась.")
    elif run.portal_total is None:
        lines.append("Итог портала неизвестен: полнота списка не доказана.")
    else:
        verdict = "Сходится" if every_call_listed(run, totals.calls) else "Не сходится"
        lines.append(
            f"{verdict}: портал насчитал {w.number(run.portal_total)}, в реестре {w.number(totals.calls)}{bad}{shared}."
        )
        if (more := run.listed(totals.calls) - run.portal_total) > 0:
            lines.append(f"Пока список читался, на портале прибавилось: {w.number(more)}.")
    return lines


def _gap_groups(figures: RunFigures) -> list[list[str]]:
    def reason(status: str, error_code: str | None, failed_code: str | None) -> str:
        if status == RecordStatus.NO_RECORDING:
            return w.call_outcome(failed_code)
        return w.error_name(error_code) if error_code else "работа не закончена"

    return [
        [w.status_name(group.status), reason(group.status, group.error_code, group.failed_code),
         group.error_code or group.failed_code or "—", w.number(group.calls)]
        for group in figures.gap_groups
    ]  # fmt: skip


def _gaps(figures: RunFigures, mask: Mask) -> list[list[str]]:
    return [
        [gap.call_id, w.moment(gap.call_started_at, gap.portal_offset_sec), w.clock(gap.duration_sec),
         w.status_name(gap.status) + (", DLQ" if gap.in_dlq else ""), gap.error_code or "—",
         _shortened(mask(gap.error_message or "—"))]
        for gap in figures.gaps
    ]  # fmt: skip


def _hidden_gaps(figures: RunFigures) -> str:
    all_gaps = sum(group.calls for group in figures.gap_groups if group.status != RecordStatus.NO_RECORDING)
    hidden = all_gaps - len(figures.gaps)
    return f"Ещё {w.number(hidden)} — в реестре, по столбцу status." if hidden > 0 else ""


def _drift(figures: RunFigures) -> str:
    drift = duration_drift(figures.totals)
    if drift is None:
        return "Сравнивать нечего: измеренных записей нет."
    return (
        f"Портал: {w.hours(figures.totals.portal_sec)}, измерено: {w.hours(figures.totals.audio_sec)}, "
        f"расхождение {w.percent(drift)}."
    )


def _drifts(figures: RunFigures) -> list[list[str]]:
    return [
        [
            item.call_id,
            w.clock(item.duration_sec),
            w.clock(item.audio_sec),
            _seconds(item.audio_sec - item.duration_sec),
        ]
        for item in figures.drifts
    ]


def _dlq(figures: RunFigures) -> list[list[str]]:
    return [
        [item.call_id, w.STAGES.get(item.stage, item.stage), w.error_name(item.error_code),
         w.moment(item.first_failed_at), "да" if item.replayed_at else "нет"]
        for item in figures.dlq
    ]  # fmt: skip


def _stages(figures: RunFigures) -> list[list[str]]:
    return [
        [w.STAGES.get(item.stage, item.stage), w.moment(item.first_at),
         w.hours((item.last_at - item.first_at).total_seconds()), w.hours(item.busy_sec), w.number(item.events)]
        for item in figures.stages
    ]  # fmt: skip


def _qa(figures: RunFigures, folder: str) -> list[list[str]]:
    return [
        [str(place), item.transcript_path.removeprefix(f"exports/{folder}/"),
         w.moment(item.call_started_at, item.portal_offset_sec), w.DIRECTIONS.get(item.direction, item.direction),
         w.clock(item.audio_sec), item.language or "—", w.ROLES.get(item.roles or "", "—"),
         ", ".join(w.REVIEW_REASONS.get(reason, reason) for reason in item.review_reasons) or "—"]
        for place, item in enumerate(figures.qa_sample, start=1)
    ]  # fmt: skip


def _seconds(value: Decimal) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{w.number(abs(value), 1)}\N{NO-BREAK SPACE}с"


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
