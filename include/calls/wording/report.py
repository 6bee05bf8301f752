"""Russian sentences, labels and captions of the report. Its headings are in the templates."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from include.calls.domain.report_figures import RunFacts, Totals
from include.calls.domain.states import RecordStatus
from include.calls.wording import codes
from include.common.russian_format import (
    count,
    dollars,
    hours,
    moment,
    number,
    percent,
    roubles,
    zone_name,
)

NOTHING = "—"
YES, NO = "да", "нет"

HEADLINES = {
    "good": "Выгрузка принята: все цели достигнуты",
    "remarks": "Выгрузка принята, есть замечания",
    "bad": "Выгрузка не принята: есть что доделать",
}
FORECAST_ONLY = "Только прогноз: ничего не скачано и не потрачено"
STOPPED = "Выгрузка остановлена"
REFUSED = "Выгрузка отменена: расход не согласован"
DAYS_HEAD = [
    "День", "Звонков", "Записи нет", "Пропали", "Ошибки", "Не закончены", "Тексты", "Файлы", "Покрытие", "Минут", "USD",
]  # fmt: skip
PROMPTS = (
    "Готовые запросы к языковой модели: docs/prompts/short_summary.md — один звонок кратко, "
    "docs/prompts/objections_topics_steps.md — возражения, темы и следующие шаги, "
    "docs/prompts/sales_script_checklist.md — проверка скрипта. Там же — что убрать из текста, прежде чем вставлять."
)
CAPTIONS = {
    "minutes": "Минуты распознанной речи по дням",
    "money": "Стоимость текстов по дням, USD",
    "statuses": "Звонки по состоянию по дням",
}
AXES = {"minutes": "минут", "money": "USD", "statuses": "звонков"}
BOUGHT_NOW, BOUGHT_EARLIER = "куплено этим запуском", "куплено раньше"
UNFINISHED = "не закончен"
WORK_UNFINISHED = "работа не закончена"

CALLS = "Звонков в реестре"
MINUTES = "Минут распознано"
HOURS = "То же в часах"
BILLED_MINUTES = "Минут к оплате (вверх на каждый звонок)"
FORECAST_MINUTES = "Прогноз: минут к покупке"
BOUGHT_MINUTES = "Куплено минут этим запуском"
EARLIER_TEXTS = "Тексты прежних запусков"
PORTAL_TEXTS = "Тексты самого портала"
FLAGGED = "С пометкой «проверить»"

FORECAST = "Прогноз перед запуском"
SPENT = "Потрачено этим запуском"
SPENT_ON_RECOGNITION = "— из них распознавание"
SPENT_ON_SUMMARIES = "— из них саммари и теги"
OVER_FORECAST = "Факт минус прогноз"
PER_SECOND = "Распознавание посекундно, как в счёте сервиса"
ALL_TEXTS = "Все тексты периода, кто бы ни платил"
BUDGET = "Бюджет запуска"
APPROVED = "Согласовано человеком"

PERIOD = "Период"
ZONE = "Часовой пояс отчёта"
RUN = "Запуск"
STARTED_BY = "Кто запустил"
BEGAN = "Начало"
TOOK = "Заняло"
SUMMARIES = "Саммари"
BUDGET_DECISION = "Бюджет"
WRITTEN = "Отчёт составлен"

NOTHING_MEASURED = "Сравнивать нечего: измеренных записей нет."
TOTAL_UNKNOWN = "Итог портала неизвестен: полнота списка не доказана."


def unfinished_headline(failed_step: str) -> str:
    return f"Выгрузка не закончена: не выполнен шаг {failed_step}"


def verdict(status: str, sentence: str) -> str:
    return f"Итог запуска: {status}, {sentence}."


def summary(totals: Totals, *, existing: int, texts: int, spent_in_roubles: Decimal) -> str:
    """`existing` counts calls whose recording exists."""
    covered = f" ({percent(texts / existing)})" if existing else ""
    return (
        f"{count(totals.calls, 'звонок', 'звонка', 'звонков')} за период, запись есть у {number(existing)}, "
        f"текст — у {number(texts)}{covered}. Распознано {number(totals.minutes, 1)} мин "
        f"({number(totals.minutes / 60, 1)} ч). Этот запуск потратил {dollars(totals.spent)} "
        f"({roubles(spent_in_roubles)})."
    )


def days_are_in(zone: tzinfo, *, edges_cut: bool) -> str:
    """`edges_cut`: the period, which is in UTC, begins or ends within a day of this zone."""
    stated = f"Дни и время в отчёте — {zone_name(zone)}; границы периода — UTC"
    return f"{stated}, поэтому крайние дни неполные." if edges_cut else f"{stated}."


def period(run: RunFacts) -> str:
    return f"{_utc(run.period_from)} — {_utc(run.period_to)} UTC, включительно"


def started_by(actor: str, trigger: str) -> str:
    how = codes.TRIGGERS.get(trigger, trigger)
    return how if actor == trigger else f"{actor}, {how}"


def no_decision_needed(budget: Decimal) -> str:
    return f"{dollars(budget)}, согласования не понадобилось"


def decision(run: RunFacts, decided_at: datetime, zone: tzinfo) -> str:
    outcome = f"{codes.DECISIONS.get(run.decision or '', run.decision)}, {moment(decided_at, zone)}"
    if run.decided_by:
        outcome = f"{outcome}, решение: {run.decided_by}"
    return f"{dollars(run.approved_cost)}: {outcome}" if run.approved_cost is not None else outcome


def rows_by_status(calls: int, statuses: Mapping[RecordStatus, int]) -> str:
    terms = " + ".join(f"{number(n)} ({codes.status_name(status)})" for status, n in statuses.items())
    return f"Строк реестра: {number(calls)} = {terms or '0'}."


def trial(limit_calls: int) -> str:
    most = count(limit_calls, "записи", "записей", "записей")
    return f"Пробная выгрузка: не больше {most}, полнота не проверялась."


def listing_proof(run: RunFacts, calls: int, *, proven: bool) -> str:
    """`calls` are rows of the registry."""
    bad = f", непонятных строк {number(run.bad_rows)}" if run.bad_rows else ""
    if run.partly_read:
        bad += f", понятых не полностью {number(run.partly_read)}"
    shared = f", строк о той же записи {number(run.shared_rows)}" if run.shared_rows else ""
    shared += f", стёртых по требованию {number(run.erased_rows)}" if run.erased_rows else ""
    known = f"в реестре {number(calls)}" if run.registered is None else f"в базе {number(run.registered)}"
    return f"{_agrees(proven)}: портал насчитал {number(run.portal_total or 0)}, {known}{bad}{shared}."


def registry_proof(run: RunFacts, totals: Totals, *, later: int, proven: bool) -> str:
    """`later` rows were not registered by the run's own listing."""
    terms = f"{number(run.registered or 0)} из списка этого запуска"
    if later:
        terms += f" {'+' if later > 0 else '−'} {number(abs(later))} из более поздних"
    if totals.gone:
        terms += f" + {number(totals.gone)} с текстом, которых на портале уже нет"
    return f"{_agrees(proven)}: в реестре {number(totals.calls)} = {terms}."


def came_while_listing(calls: int) -> str:
    return f"Пока список читался, на портале прибавилось: {number(calls)}."


def files_proof(texts: int, files: int) -> str:
    return f"{_agrees(files == texts)}: текстов {number(texts)}, файлов {number(files)}."


def portal_trouble(refusals: int, switches: int, *, low_rate: bool) -> str:
    forced = " Весь запуск шёл в щадящем режиме (LOW_RATE)." if low_rate else ""
    return f"Отказов портала по скорости: {number(refusals)}, переходов на щадящий режим: {number(switches)}.{forced}"


def drift(portal_sec: Decimal | float, audio_sec: Decimal | float, share: Decimal, most: float) -> str:
    return (
        f"Портал: {hours(portal_sec)}, измерено: {hours(audio_sec)}, расхождение {percent(share)} при норме не больше "
        f"{percent(most, 1)}."
    )


def hearing(totals: Totals, texts: int) -> list[str]:
    """What was not sent to the recogniser, and how sure it is of the rest."""
    lines = [
        "Распознавателю не отправлено больше половины звука: "
        f"записей {number(totals.much_not_sent)} из {number(texts)}; "
        f"звук между репликами не отправлен, похож на музыку: {number(totals.partly_unheard)}."
    ]
    if totals.confidence is None:
        return [*lines, "Уверенности в текстах модель не сообщает."]
    return [
        *lines,
        f"Уверенность модели: в среднем {percent(totals.confidence, 0)} по {number(totals.with_confidence)} текстам; "
        f"не уверена в {number(totals.unsure)}.",
    ]


def hidden_gaps(recordings: int) -> str:
    return f"Ещё {number(recordings)} — в реестре, по столбцу status."


def hidden_flagged(recordings: int) -> str:
    return f"Ещё {number(recordings)} — в реестре, needs_review = true."


def gap_status(status: str, *, in_dlq: bool) -> str:
    return f"{codes.status_name(status)}, DLQ" if in_dlq else codes.status_name(status)


def qa_result(result: str, comment: str) -> str:
    name = codes.QA_RESULTS.get(result, result)
    return f"{name}: {comment}" if comment else name


def qa_how(run_id: UUID) -> str:
    return (
        "Прослушайте и отметьте: читаемость, соответствие диалога, язык. Выборка определяется номером запуска. "
        f"Как отметить — docs/qa.md, список — make qa RUN_ID={run_id}"
    )


def qa_summary(sampled: int, checked: int, issues: int, people: Sequence[str]) -> str:
    """How far the listening has come, what it found and who listened."""
    if not checked:
        return f"Проверено 0 из {number(sampled)}."
    return (
        f"Проверено {number(checked)} из {number(sampled)}: в порядке {number(checked - issues)}, с замечаниями "
        f"{number(issues)} ({percent(issues / checked, 1)}). Проверяли: {', '.join(people)}."
    )


def _agrees(proven: bool) -> str:
    return "Сходится" if proven else "Не сходится"


def _utc(value: datetime) -> str:
    return f"{value:%d.%m.%Y %H:%M}"
