"""Russian sentences of the Slack messages. Their layout is in `include/calls/reporting/slack_texts.py`."""

from datetime import datetime

from include.common.russian_format import number

OPEN_IN_AIRFLOW = "Открыть в Airflow"
OPEN_CALLS = "Звонки запуска"
RUN_FAILED = "Выгрузка не удалась"
REASON_IN_NOTE = "запуск не открылся или не закрылся: причина в его заметке (Note)"
REPORT_READY = "Отчёт и реестр готовы"
CANCELLED = "Выгрузка отменена"
DLQ_GREW = "DLQ выросла"
LOW_RATE = "Щадящий режим портала"
APPROVAL_WANTED = "Нужно согласование расхода"


def period(period_from: datetime, period_to: datetime) -> str:
    return f"Период {period_from:%Y-%m-%d %H:%M} — {period_to:%Y-%m-%d %H:%M} UTC"


def deadline_missed(deadline: str) -> str:
    return f"Выгрузка не закончилась к сроку {deadline}"


def moved_to_dlq(recordings: int) -> str:
    return f"Отложено в DLQ записей: {number(recordings)}. Они не удавались дольше суток, сами больше не повторяются"


def low_rate(refusals: int, until: datetime | None, *, forced: bool) -> str:
    """`refusals` of the portal in the 15 minutes before; `forced` by the run's parameter."""
    why = "включён параметром low_rate" if forced else f"отказов портала за 15 минут: {number(refusals)}"
    return f"{why}, до {until:%H:%M} UTC" if until else why
