"""The report's contents in words, one plain JSON-able tree for both forms: Markdown and PDF show the same strings.

Strings may come from strangers and are not escaped here: each form escapes for itself.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.calls.domain.report_figures import ReportSettings, RunFigures, duration_drift, every_call_listed
from include.calls.domain.states import RecordStatus
from include.calls.reporting import report_tables as tables
from include.calls.reporting.advice import recommendations
from include.calls.reporting.assessment import Assessment, assess, elapsed_seconds
from include.calls.reporting.report_tables import Mask
from include.calls.wording import codes, notes
from include.common import russian_format as ru
from include.common.money import in_roubles

View = dict[str, Any]

HEADLINES = {
    "good": "Выгрузка принята: все цели достигнуты",
    "remarks": "Выгрузка принята, есть замечания",
    "bad": "Выгрузка не принята: есть что доделать",
}
FORECAST_ONLY = "Только прогноз: ничего не скачано и не потрачено"
DAYS_HEAD = [
    "День", "Звонков", "Записи нет", "Пропали", "Ошибки", "Не закончены", "Тексты", "Файлы", "Покрытие", "Минут", "USD",
]  # fmt: skip
QA_HOW = (
    "Прослушайте и отметьте: читаемость, соответствие диалога, язык. Выборка определяется номером запуска. "
    "Как отметить — docs/qa.md, список —"
)
PROMPTS = (
    "Готовые запросы к языковой модели: docs/prompts/short_summary.md — один звонок кратко, "
    "docs/prompts/objections_topics_steps.md — возражения, темы и следующие шаги, "
    "docs/prompts/sales_script_checklist.md — проверка скрипта. Там же — что убрать из текста, прежде чем вставлять."
)
OUTCOMES = {"met": "да", "missed": "нет", "unknown": "нет данных"}


def report_view(figures: RunFigures, settings: ReportSettings, folder: str, mask: Mask) -> View:
    """`folder` is the period's; `mask` hides phone numbers in texts of strangers."""
    assessment = assess(figures, settings)
    return {
        "period": f"{ru.day(figures.run.period_from.date())} — {ru.day(figures.run.period_to.date())}",
        "level": assessment.level,
        "headline": _headline(figures, assessment),
        "verdict": f"Итог запуска: {assessment.verdict.status}, {mask(notes.verdict(assessment.verdict))}.",
        "summary": _summary(figures, settings),
        "goals": [[goal.name, goal.norm, goal.fact, OUTCOMES[goal.outcome]] for goal in assessment.goals],
        "facts": _facts(figures, settings),
        "volume": _volume(figures),
        "money": _money(figures, settings),
        "proof": _proof(figures),
        "days_head": DAYS_HEAD,
        "days": tables.days(figures),
        "gap_groups": tables.gap_groups(figures),
        "gaps": tables.gaps(figures, mask),
        "gaps_hidden": tables.hidden_gaps(figures),
        "drift": _drift(figures, settings),
        "drifts": tables.drifts(figures),
        "review": tables.review(figures),
        "flagged": tables.flagged(figures),
        "flagged_hidden": tables.hidden_flagged(figures),
        "dlq": tables.dlq(figures),
        "stages": tables.stages(figures),
        "trouble": _trouble(figures),
        "operating": tables.operating(figures),
        "advice": recommendations(figures, settings),
        "qa": tables.qa(figures, folder, mask),
        "qa_summary": tables.qa_summary(figures),
        "qa_how": f"{QA_HOW} make qa RUN_ID={figures.run.run_id}",
        "prompts": PROMPTS,
    }


def _headline(figures: RunFigures, assessment: Assessment) -> str:
    run = figures.run
    if run.stop:
        return "Выгрузка остановлена"
    if run.failed_step:
        return f"Выгрузка не закончена: не выполнен шаг {run.failed_step}"
    if run.refused:
        return "Выгрузка отменена: расход не согласован"
    if run.dry_run and assessment.level != "bad":
        return FORECAST_ONLY
    return HEADLINES[assessment.level]


def _summary(figures: RunFigures, settings: ReportSettings) -> str:
    totals, texts = figures.totals, figures.statuses.get(RecordStatus.COMPLETED, 0)
    gone = (RecordStatus.NO_RECORDING, RecordStatus.MISSING_AUDIO)
    existing = totals.calls - sum(figures.statuses.get(status, 0) for status in gone)
    return (
        f"{ru.count(totals.calls, 'звонок', 'звонка', 'звонков')} за период, запись есть у {ru.number(existing)}, "
        f"текст — у {ru.number(texts)}{_covered(texts, existing)}. Распознано "
        f"{ru.number(totals.minutes, 1)} мин ({ru.number(totals.minutes / 60, 1)} ч). "
        f"Этот запуск потратил {ru.dollars(totals.spent)} "
        f"({ru.roubles(in_roubles(totals.spent, settings.usd_rub_rate))})."
    )


def _covered(texts: int, existing: int) -> str:
    return f" ({ru.percent(texts / existing)})" if existing else ""


def _facts(figures: RunFigures, settings: ReportSettings) -> list[list[str]]:
    run = figures.run
    seconds = elapsed_seconds(run)
    return [
        ["Период", f"{ru.utc_moment(run.period_from)} — {ru.utc_moment(run.period_to)}, включительно"],
        ["Запуск", str(run.run_id)],
        ["Кто запустил", f"{run.actor}, {codes.TRIGGERS.get(run.trigger, run.trigger)}"],
        ["Начало", ru.utc_moment(run.started_at) if run.started_at else "—"],
        ["Заняло", ru.hours(seconds) if seconds is not None else "—"],
        ["Саммари", "да" if run.generate_summary else "нет"],
        ["Бюджет", _decision(figures, settings)],
        ["Отчёт составлен", ru.utc_moment(settings.generated_at)],
    ]


def _decision(figures: RunFigures, settings: ReportSettings) -> str:
    run = figures.run
    if run.decision is None or run.decided_at is None:
        return f"{ru.dollars(settings.budget_usd)}, согласования не понадобилось"
    told = f"{codes.DECISIONS.get(run.decision, run.decision)}, {ru.utc_moment(run.decided_at)}"
    if run.decided_by:
        told = f"{told}, решение: {run.decided_by}"
    return f"{ru.dollars(run.approved_cost)}: {told}" if run.approved_cost is not None else told


def _volume(figures: RunFigures) -> list[list[str]]:
    totals, minutes = figures.totals, figures.run.forecast_minutes
    return [
        ["Звонков в реестре", ru.number(totals.calls)],
        *[[codes.status_name(status).capitalize(), ru.number(n)] for status, n in figures.statuses.items()],
        ["Минут распознано", ru.number(totals.minutes, 2)],
        ["То же в часах", ru.number(totals.minutes / 60, 2)],
        ["Минут к оплате (вверх на каждый звонок)", ru.number(totals.billed_minutes)],
        ["Прогноз: минут к покупке", "—" if minutes is None else ru.number(minutes)],
        ["Куплено минут этим запуском", ru.number(totals.bought_minutes)],
        ["Тексты прежних запусков", ru.number(totals.reused)],
        ["Тексты самого портала", ru.number(totals.from_portal)],
        ["С пометкой «проверить»", ru.number(totals.flagged)],
    ]


def _money(figures: RunFigures, settings: ReportSettings) -> list[list[str]]:
    totals, forecast = figures.totals, figures.run.forecast_cost
    rows: Sequence[tuple[str, Decimal | None]] = (
        ("Прогноз перед запуском", forecast),
        ("Потрачено этим запуском", totals.spent),
        ("— из них распознавание", totals.spent - totals.spent_on_summaries),
        ("— из них саммари и теги", totals.spent_on_summaries),
        ("Факт минус прогноз", totals.spent - forecast if forecast is not None else None),
        ("Распознавание посекундно, как в счёте сервиса", totals.spent_per_second),
        ("Все тексты периода, кто бы ни платил", totals.cost),
        ("Бюджет запуска", settings.budget_usd),
        ("Согласовано человеком", figures.run.approved_cost),
    )
    return [
        [name, ru.number(usd, 4), ru.number(in_roubles(usd, settings.usd_rub_rate), 2)]
        if usd is not None
        else [name, "—", "—"]
        for name, usd in rows
    ]


def _proof(figures: RunFigures) -> list[str]:
    run, totals = figures.run, figures.totals
    texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
    by_status = " + ".join(f"{ru.number(n)} ({codes.status_name(status)})" for status, n in figures.statuses.items())
    lines = [f"Строк реестра: {ru.number(totals.calls)} = {by_status or '0'}."]
    bad = f", непонятных строк {ru.number(run.bad_rows)}" if run.bad_rows else ""
    shared = f", строк о той же записи {ru.number(run.shared_rows)}" if run.shared_rows else ""
    if run.limit_calls:
        most = ru.count(run.limit_calls, "записи", "записей", "записей")
        lines.append(f"Пробная выгрузка: не больше {most}, полнота не проверялась.")
    elif run.portal_total is None:
        lines.append("Итог портала неизвестен: полнота списка не доказана.")
    else:
        verdict = "Сходится" if every_call_listed(run, totals.calls) else "Не сходится"
        lines.append(
            f"{verdict}: портал насчитал {ru.number(run.portal_total)}, "
            f"в реестре {ru.number(totals.calls)}{bad}{shared}."
        )
        if (more := run.listed(totals.calls) - run.portal_total) > 0:
            lines.append(f"Пока список читался, на портале прибавилось: {ru.number(more)}.")
    if figures.files is not None:
        files = sum(figures.files.values())
        lines.append(
            f"{'Сходится' if files == texts else 'Не сходится'}: текстов {ru.number(texts)}, файлов {ru.number(files)}."
        )
    return lines


def _trouble(figures: RunFigures) -> str:
    forced = " Весь запуск шёл в щадящем режиме (LOW_RATE)." if figures.run.low_rate else ""
    return (
        f"Отказов портала по скорости: {ru.number(figures.trouble.refusals)}, переходов на щадящий режим: "
        f"{ru.number(figures.trouble.low_rate_switches)}.{forced}"
    )


def _drift(figures: RunFigures, settings: ReportSettings) -> str:
    drift = duration_drift(figures.totals)
    if drift is None:
        return "Сравнивать нечего: измеренных записей нет."
    return (
        f"Портал: {ru.hours(figures.totals.portal_sec)}, измерено: {ru.hours(figures.totals.audio_sec)}, "
        f"расхождение {ru.percent(drift)} при норме не больше {ru.percent(settings.max_duration_drift, 1)}."
    )
