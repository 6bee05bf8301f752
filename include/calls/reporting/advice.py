"""What to do next: each sentence follows from a figure of this run, none is said of every run."""

from collections.abc import Iterator

from include.calls.domain.report_figures import ReportSettings, RunFigures, duration_drift, every_call_listed
from include.calls.domain.states import UNFINISHED, RecordStatus
from include.calls.reporting.assessment import elapsed_seconds, over_forecast
from include.calls.wording.codes import error_advice, error_name, records
from include.common.errors import ErrorCode
from include.common.russian_format import count, hours, number, percent

_MANY_REFUSALS = 10
_MOST_ISSUES = 0.02  # of the texts that people listened to (PRD §15)


def recommendations(figures: RunFigures, settings: ReportSettings) -> list[str]:
    """Sentences for the product owner and the operator, the most urgent first; one of them even if all is well."""
    advice = [
        *_about_gaps(figures),
        *_about_files(figures),
        *_about_trust(figures, settings),
        *_about_listening(figures),
        *_about_resources(figures, settings),
    ]
    return advice or ["Делать ничего не нужно: все записи с текстом, суммы и сроки в норме."]


def _about_gaps(figures: RunFigures) -> Iterator[str]:
    run, statuses = figures.run, figures.statuses
    if run.stop or run.failed_step:
        what = "Запуск остановлен" if run.stop else f"Не выполнен шаг {run.failed_step}"
        yield f"{what}, причина названа в итоге: исправьте её и продолжите: make resume RUN_ID={run.run_id}"
    if every_call_listed(run, figures.totals.calls) is False:
        yield (
            f"Портал насчитал {number(run.portal_total or 0)} звонков, учтено "
            f"{number(run.listed(figures.totals.calls))}. Выгрузите период ещё раз: "
            "купленные тексты повторно не оплачиваются."
        )
    if run.bad_rows:
        rows = count(run.bad_rows, "непонятную строку", "непонятные строки", "непонятных строк")
        yield f"Портал прислал {rows}: покажите журнал запуска разработчику."
    left = statuses.get(RecordStatus.ERROR, 0) + sum(statuses.get(status, 0) for status in UNFINISHED)
    if left and not (run.dry_run or run.stop or run.failed_step):
        yield f"Без текста {records(left)}, где он должен быть. Продолжить: make resume RUN_ID={run.run_id}"
    errors = [group for group in figures.gap_groups if group.status == RecordStatus.ERROR]
    for group in errors[:3]:
        name, advice = error_name(group.error_code), error_advice(group.error_code)
        yield f"Частая ошибка — {name} ({number(group.calls)}): {advice}."
    if missing := statuses.get(RecordStatus.MISSING_AUDIO, 0):
        yield (
            f"Пропавших на портале записей — {number(missing)}: {error_advice(ErrorCode.MISSING_AUDIO)} и "
            "выгружайте чаще, чем записи удаляются."
        )
    if late := figures.totals.late_expected:
        yield (
            f"{count(late, 'разговор', 'разговора', 'разговоров')} без записи: если портал ещё выложит её, следующий "
            "запуск с этим периодом заберёт её сам."
        )
    waiting = [item for item in figures.dlq if item.replayed_at is None]
    if waiting:
        yield (
            f"В очереди разбора (DLQ) {records(len(waiting))}: заведите задачу на каждую причину и известите заказчика."
        )


def _about_trust(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    totals, drift = figures.totals, duration_drift(figures.totals)
    if drift is not None and drift > settings.max_duration_drift:
        yield (
            f"Длительность расходится с порталом на {percent(drift)}: сверьте с порталом записи из раздела "
            "о длительности, начиная с первой."
        )
    if totals.flagged:
        yield f"Прослушайте {records(totals.flagged)} с пометкой «проверить» (needs_review = true в реестре)."
    texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
    if totals.no_roles and totals.no_roles * 2 > texts:
        yield (
            f"В {percent(totals.no_roles / texts, 0)} текстов не видно, кто говорит: записи одноканальные. Включите "
            "на портале стереозапись или задайте модель, различающую голоса (STT_MODEL)."
        )


def _about_files(figures: RunFigures) -> Iterator[str]:
    texts = figures.statuses.get(RecordStatus.COMPLETED, 0)
    if figures.files is not None and (lost := texts - sum(figures.files.values())):
        files = count(lost, "текста", "текстов", "текстов")
        yield f"В хранилище нет файлов {files}: выясните, кто их удаляет, и выгрузите период ещё раз."


def _about_listening(figures: RunFigures) -> Iterator[str]:
    checked = [item for item in figures.qa_sample if item.result]
    issues = sum(item.result == "issue" for item in checked)
    if issues > _MOST_ISSUES * len(checked):
        yield (
            f"Проверка качества: замечания у {number(issues)} из {number(len(checked))} прослушанных записей, порог "
            f"{percent(_MOST_ISSUES, 0)}. Заведите задачу по замечаниям из раздела выборки."
        )


def _about_resources(figures: RunFigures, settings: ReportSettings) -> Iterator[str]:
    over, seconds = over_forecast(figures), elapsed_seconds(figures.run)
    if over is not None and over > settings.over_forecast_share:
        yield f"Потрачено на {percent(over, 0)} больше прогноза: сверьте тариф модели и длительность записей."
    if figures.totals.spent > settings.budget_usd:
        yield "Расход выше бюджета запуска (BUDGET_USD): согласуйте бюджет или отключите саммари."
    if seconds is not None and seconds > settings.sla_hours * 3600:
        yield (
            f"Выгрузка шла {hours(seconds)} при норме {number(settings.sla_hours)} ч: поднимите TRANSCRIBE_CONCURRENCY "
            f"(сейчас {settings.lines})."
        )
    if figures.trouble.refusals > _MANY_REFUSALS or figures.trouble.low_rate_switches:
        refusals = count(figures.trouble.refusals, "раз", "раза", "раз")
        yield f"Портал отказывал {refusals}: выгружайте ночью или с LOW_RATE=true."
