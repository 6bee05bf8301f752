"""Russian sentences of `make replay` and of its report."""

from decimal import Decimal
from pathlib import Path

from include.calls.wording import problems
from include.common.errors import ExportError
from include.common.russian_format import dollars, number

# the command
HELP = (
    "Прослушать сохранённые записи периода другой моделью и сравнить с текстами, которые есть. "
    "Платно; тексты не меняются, пока не задан --adopt."
)
MODEL_HELP = "Модель: `gpt-4o-transcribe`, `whisper-1` или имя модели своего сервера."
CONNECTION_HELP = (
    "Подключение, если модель у другого сервера: whisper_fallback (STT_FALLBACK_BASE_URL) или своё, из переменной "
    "AIRFLOW_CONN_<ИМЯ>. Пусто: тот же сервис, что у выгрузки."
)
RATE_HELP = "Тариф, USD за минуту; 0 — свой сервер. Пусто: тариф из настроек, иначе публичный тариф модели."
LIMIT_HELP = "Не больше записей; они взяты со всего периода, бо́льшее число включает меньшее. Пусто: все."
ADOPT_HELP = "Сделать услышанное текстами записей; прежние тексты останутся в базе и в хранилище."
OUT_HELP = "Папка отчёта."


def forecast(cost: Decimal, paid: Decimal, ceiling: Decimal) -> str:
    return f"прогноз: {dollars(cost)}, уже оплачено {dollars(paid)}, бюджет {dollars(ceiling)}"


def heard(now: int, requests: int, spent: Decimal) -> str:
    return f"прослушано сейчас: {number(now)}; запросов {number(requests)}, потрачено {dollars(spent)}"


def report_written(file: Path | str, table: Path | str) -> str:
    return f"отчёт: {file}; таблица: {table}"


def without_audio(calls: str) -> str:
    return f"аудио нет в хранилище или оно изменилось: {calls}"


def failed(call_id: str, error: ExportError) -> str:
    return f"{call_id}: {problems.sentence(error)}"


def stopped(error: ExportError) -> str:
    return f"остановлено: {problems.sentence(error)}; оплаченное сохранено, та же команда продолжит"


def adopted(texts: int) -> str:
    return (
        f"текстов заменено: {number(texts)}; прежние остались в базе (`transcripts`) и в recognition/…/before_<номер>"
    )


def files_are_written_by(period_from: str, period_to: str) -> str:
    return f"реестр и отчёт перепишет make export FROM={period_from} TO={period_to}: всё куплено, оплаты не будет"


def changed_since(calls: str) -> str:
    return f"текст или аудио изменились после сравнения, оставлены как есть, повторите без ADOPT: {calls}"


# the report
TITLE = "Другой движок рядом: {engine}"
ABOUT = "Период {start} — {end} (UTC), записей в сравнении {recordings} из {wanted}, звука {minutes} мин."
NOT_A_REFERENCE = (
    "Сравнение не с эталоном: разница показывает, где два движка услышали разное, а не кто прав. "
    "Кто прав — слушает человек, начиная с таблицы ниже; с эталонными текстами сравнивает `make stt-smoke`."
)
ADOPTED = "Из них уже заменено по решению человека: {adopted}."
SUMS = "## Итоги"
SUMS_HEAD = ("", "тексты, которые есть", "{engine}")
PRICE = "цена, USD"
PRICE_PER_MINUTE = "цена минуты, USD"
SPEED = "секунд работы на минуту звука"
SPEED_NOTE = (
    "Скорость: у движка — от запроса до ответа, по одному запросу; у прежних текстов — задача целиком, "
    "с нарезкой и ожиданием."
)
DIFFERENCE = (
    "Разных слов {difference} из {words}: замен {substitutions}, нет у движка {deletions}, "
    "только у движка {insertions}."
)
EQUAL = "Записей без единого различия: {equal}."
WORST = "## Больше всего различий"
WORST_HEAD = ("CALL_ID", "RECORD_ID", "начало", "длина", "разных слов", "слов", "модель текста", "что услышано иначе")
FAILED = "## Не прослушано"
FAILED_HEAD = ("CALL_ID", "причина")
NO_AUDIO = "аудио нет в хранилище или оно изменилось"
IN_WORK = "в работе у запуска"
NONE = "—"
