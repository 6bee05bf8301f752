"""Russian sentences of a run's note in Airflow and of the batches' labels.

A function returns the whole note, ready to be shown; `verdict` and `progress` return a clause that the report and Slack
show as well.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from include.calls.domain.report_figures import Estimate
from include.calls.domain.run_progress import Progress
from include.calls.domain.run_verdict import Cause, Verdict
from include.calls.domain.stages import Stage
from include.calls.wording import bars, problems
from include.calls.wording.codes import records
from include.common.budget import PlannedSpending
from include.common.errors import ExportError
from include.common.russian_format import count, number

PHASES: dict[Stage, str] = {
    Stage.OPEN_RUN: "открываю запуск",
    Stage.PREFLIGHT: "проверяю доступы",
    Stage.LIST_CALLS: "собираю список звонков",
    Stage.PLAN: "считаю прогноз",
    Stage.DOWNLOAD: "скачиваю аудио",
    Stage.TRANSCRIBE: "распознаю речь",
    Stage.SUMMARIZE: "пишу саммари",
    Stage.PUBLISH: "пишу реестр и отчёт",
    Stage.CLOSE_RUN: "подвожу итог",
}
WAITING_FOR_DECISION = "жду согласования расхода"
RECORDING_DECISION = "записываю решение"


def with_run_id(sentence: str, run_id: UUID | str) -> str:
    """The sentence comes first: the UI shows about a hundred characters. `make resume` asks for the id."""
    return f"{sentence} run_id {run_id}"


def failed(task_id: str, phase: str, error: ExportError) -> str:
    return f"{task_id}: {phase} — {problems.sentence(error)}."


def key_taken(run_id: UUID, status: str) -> str:
    return f"Этот ключ уже у запуска {run_id} (статус {status}): повторно ничего не делается."


def opened(period_from: datetime, period_to: datetime, *, stop_lifted: str | None = None) -> str:
    """`stop_lifted` is the sentence of the stop that a resume has lifted."""
    sentence = f"Период {period_from:%Y-%m-%d %H:%M} — {period_to:%Y-%m-%d %H:%M} UTC."
    return f"{sentence} Прежняя остановка снята: {stop_lifted}." if stop_lifted else sentence


def listed(calls: int) -> str:
    return f"На портале {count(calls, 'звонок', 'звонка', 'звонков')} за период."


def planned(estimate: Estimate, spending: PlannedSpending, *, hours: float, batches: int) -> str:
    """`hours` of recognition; `batches` of a dry run are not made, their number is left out."""
    sentence = (
        f"прогноз: распознать {records(estimate.to_buy)}, {number(estimate.minutes)} мин, "
        f"{usd(estimate.cost)}, {number(hours, 1)} ч; готовых текстов {number(estimate.reused)}"
    )
    if estimate.ended:
        sentence = f"{sentence}; удалено по сроку хранения и не покупается снова {number(estimate.ended)}"
    if spending.needs_approval:
        sentence = f"{sentence}; нужно согласование расхода до {usd(spending.sum_to_approve)}"
    if estimate.run.dry_run:
        return f"Только {sentence}."
    where = "Жду ответа на вкладке Required Actions. " if spending.needs_approval else ""
    return f"{where}{_capital(sentence)}; пачек {number(batches)}."


def with_lacking_room(sentence: str, lacking_bytes: int) -> str:
    """The note of a forecast; a real run would be refused."""
    if not lacking_bytes:
        return sentence
    return f"{sentence} В хранилище не хватает {number(lacking_bytes / 1e9, 1)} ГБ: запуск остановится до скачивания."


def progress(made: Progress) -> str:
    """A clause without a capital letter and a full stop."""
    return (
        f"готово {number(made.completed)} из {number(made.recordings)} записей (взято из прошлых запусков "
        f"{number(made.reused)}), нет на портале {number(made.missing)}, ошибок {number(made.errors)}; "
        f"{number(made.minutes)} мин, потрачено {usd(made.spent)}"
    )


def in_progress(made: Progress) -> str:
    return f"{_capital(progress(made))}."


def verdict(found: Verdict) -> str:
    """A clause without a capital letter and a full stop; it is stored with the run's end."""
    coverage = "покрытие неизвестно" if found.coverage is None else _percent(found.coverage)
    counts = (
        f"тексты есть у {number(found.completed)} из {number(found.existing)} существующих записей "
        f"({coverage}), ошибок {number(found.errors)} ({_percent(found.error_share)}), "
        f"не закончено {number(found.unfinished)}"
    )
    # what is above a bar is why the run is in error: the UI shows the beginning
    counts = "; ".join([*map(bars.exceeded, found.exceeded), counts])
    match found.cause:
        case Cause.STOPPED:
            return f"остановлен: {found.detail}; {counts}"
        case Cause.STEP_FAILED:
            return f"не выполнен шаг {found.detail}; {counts}"
        case Cause.REFUSED:
            return f"{found.detail}; {counts}"
        case Cause.ABANDONED:
            return f"прерван: Airflow больше не ведёт DAG-запуск {found.detail}; {counts}"
        case Cause.FORECAST_ONLY:
            return "прогноз готов, ничего не скачано и не потрачено"
        case None:
            return counts


def closed(status: str, verdict_sentence: str) -> str:
    """`status` is the run's, as `call_exports` has it."""
    return f"{_capital(status)}: {verdict_sentence}."


def decided(decision_sentence: str) -> str:
    """After a person's decision; the sentence is `approval.decision`'s."""
    return f"{_capital(decision_sentence)}."


def batch_label(number_of_batch: int, *, recordings: int | None = None, minutes: Decimal | None = None) -> str:
    """The name of a mapped task in Airflow's grid; without facts until the batch has been read."""
    if recordings is None or minutes is None:
        return f"пачка {number_of_batch}"
    return f"пачка {number_of_batch}: {records(recordings)}, {number(minutes)} мин"


def usd(amount: Decimal) -> str:
    return f"{number(amount, 2)} USD"


def _percent(share: float) -> str:
    return f"{number(share * 100, 1)} %"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
