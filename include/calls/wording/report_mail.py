"""Russian sentences of the letter with registry and report."""

from datetime import datetime

from include.common.russian_format import number

OPEN_IN_AIRFLOW = "Открыть запуск в Airflow"
ATTACHED = "Во вложении:"
MASKED = "Личные данные в них скрыты."
NOT_MASKED = "В них номера, имена и начала текстов: не пересылайте дальше, чем нужно."
SHEET, REPORT = "реестр, таблица для людей", "отчёт"


def subject(start: datetime, end: datetime) -> str:
    return f"Тексты звонков {start:%d.%m.%Y} — {end:%d.%m.%Y}: реестр и отчёт"


def period(start: datetime, end: datetime) -> str:
    return f"Период {start:%d.%m.%Y %H:%M} — {end:%d.%m.%Y %H:%M} UTC"


def megabytes(size: int) -> str:
    return f"{number(max(0.1, size / 10**6), 1)} МБ"


def too_large(size: int, most: int) -> str:
    return f"Вложений нет: файлы занимают {megabytes(size)}, а письму можно {megabytes(most)}. Они лежат здесь:"
