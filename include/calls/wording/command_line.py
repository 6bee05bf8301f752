"""Russian sentences of the command line of an export: `jobs/`."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from include.calls.wording import problems
from include.calls.wording.run_parameters import MOMENT
from include.common.errors import ExportError
from include.common.russian_format import count, number

# any command
USAGE = "Вызов: "
OPTIONS = "Параметры"
OPTIONS_METAVAR = "[ПАРАМЕТРЫ]"
REQUIRED = "[обязательно]"
TEXT = "ТЕКСТ"
FILE = "ФАЙЛ"
NUMBER = "ЧИСЛО"
HELP = "Эта справка."
UNREADABLE = "команду разобрать нельзя; все параметры покажет --help"

# make export, make resume
EXPORT_HELP = "Выгрузить тексты звонков портала."
RESUME_HELP = "Продолжить незаконченные записи запуска --run-id."
FOLLOW_HELP = "Показывать ход до конца запуска."
WAITING_FOR_AIRFLOW = "жду Airflow"
REFUSED_BEFORE_REGISTERED = "запуск отклонён до регистрации"


def refused(error: ExportError) -> str:
    """For BadInput: nothing was changed."""
    return f"отклонено: {problems.sentence(error)}"


def failed(error: ExportError) -> str:
    return f"не получилось: {problems.sentence(error)}"


def no_such_option(option: str) -> str:
    return f"отклонено: параметра {option} нет; все параметры покажет --help"


def missing(option: str) -> str:
    return f"отклонено: не задан {option}"


def missing_value(option: str) -> str:
    return f"отклонено: {option} требует значения"


def bad_value(option: str) -> str:
    return f"отклонено: значение {option} не подходит; допустимые покажет --help"


def started(dag_run_id: str) -> str:
    return f"запущено: {dag_run_id}"


def key_has_run(dag_run_id: str) -> str:
    return f"с этим ключом запуск уже есть: {dag_run_id}"


def waiting_for_decision(cost: Decimal | str, url: str) -> str:
    return f"жду согласования расхода до {number(Decimal(cost), 2)} USD: {url}"


def progress_numbers(minutes: float, spent: Decimal | float, errors: int) -> str:
    """Beside the progress bar."""
    numbers = f"{number(minutes)} мин, {number(spent, 4)} USD"
    return f"{numbers}, ошибок {number(errors)}" if errors else numbers


def ended(run_id: UUID | str, status: str) -> str:
    return f"run_id {run_id}: {status}"


def cancelled(run_id: UUID | str) -> str:
    return f"расход не согласован, больше ничего не потрачено; make resume RUN_ID={run_id} спросит снова"


# make qa
QA_HELP = "Выборка проверки качества: какие тексты прослушать и что нашли люди."
QA_RUN_HELP = "Запуск: call_exports.run_id."
OUT_HELP = "Записать выборку в этот файл CSV."
FILE_HELP = "Прочесть заполненную выборку."
CALL_HELP = "Прослушанный звонок: CALL_ID."
RECORD_HELP = "Его запись: RECORD_ID, если их несколько."
RESULT_HELP = "Оценка: ok или issue."
COMMENT_HELP = "Что не так; для issue обязательно."
BY_HELP = "Кто слушал. Пусто: пользователь этой машины."
QA_COLUMNS = ("№", "CALL_ID", "RECORD_ID", "Длина", "Пометка", "Файл", "Оценка")
REPORT_IS_REWRITTEN = "отчёт переписывается задачей publish"


def sample_written(file: Path | str) -> str:
    return f"{file}: заполните result (ok или issue) и comment, затем make qa FILE={file}"


def listened(checked: int, sampled: int, issues: int) -> str:
    """How far the listening has come."""
    return f"проверено {number(checked)} из {number(sampled)}, с замечаниями {number(issues)}"


def findings_recorded(changed: int, checked: int, sampled: int, issues: int) -> str:
    return f"записано новых оценок: {number(changed)}; {listened(checked, sampled, issues)}"


def report_stays(error: ExportError) -> str:
    """The report could not be written again."""
    return f"отчёт пока прежний ({problems.sentence(error)}): он перепишется, когда вы очистите publish в Airflow"


# make rebuild
REBUILD_HELP = "Построить тексты запуска заново из сохранённых ответов распознавателя, без оплаты."
REBUILD_RUN_HELP = "Запуск: call_exports.run_id."
LINE_HELP = "Только звонки этой линии: call_records.phone_line. Пусто: все."


def rebuilt(looked_at: int, changed: int) -> str:
    return (
        f"просмотрено текстов: {number(looked_at)}; изменено записей: {number(changed)}; запросов к распознавателю: 0"
    )


def summaries_removed(summaries: int) -> str:
    return f"саммари прежних слов сняты: {number(summaries)}; новые напишет запуск с generate_summary (платно)"


def without_responses(calls: Sequence[str]) -> str:
    """Texts whose recognition is not in the storage."""
    return f"нет ответов распознавателя рядом с текстом, оставлены как есть: {some(calls)}"


def in_work(calls: Sequence[str]) -> str:
    return f"сейчас в работе у запуска, повторите позже: {some(calls)}"


def files_are_rewritten(run_id: UUID) -> str:
    return f"реестр и отчёт запуска {run_id} переписывает задача publish"


def files_stay(run_id: UUID, error: ExportError) -> str:
    """Registry and report could not be written again."""
    reason = problems.sentence(error)
    return f"реестр и отчёт запуска {run_id} пока прежние ({reason}): очистите его задачу publish в Airflow"


# make deliver
DELIVER_HELP = "Сложить тексты и саммари выгруженного периода в его папку, без оплаты."
FROM_HELP = f"Начало периода: {MOMENT}. Пусто: today-60d."
TO_HELP = f"Конец периода, включительно: {MOMENT}. Пусто: сейчас."
AUDIO_HELP = "И аудио."
MASK_HELP = "Скрыть личные данные в папке; если не сказано — как она собрана раньше, новая — по policy.yaml."


def delivered(texts: int, audio: int, folder: str) -> str:
    """Files written into the period's folder; `audio` is 0 where it was not asked for."""
    files = count(texts, "текст", "текста", "текстов")
    with_audio = f", {count(audio, 'аудиофайл', 'аудиофайла', 'аудиофайлов')}" if audio else ""
    return f"в папку {folder} положено: {files}{with_audio}"


# python -m jobs.fetch
FETCH_HELP = "Папка выгруженного периода архивом `tar` в стандартный вывод: тексты, реестр, отчёт."


def fetched(files: int, folder: str) -> str:
    return f"из папки {folder} получено: {count(files, 'файл', 'файла', 'файлов')}"


def some(calls: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    names = ", ".join(calls[:most])
    return f"{names} и ещё {number(len(calls) - most)}" if len(calls) > most else names
