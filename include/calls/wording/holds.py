"""Russian words of `make hold`."""

from datetime import datetime

from include.common.russian_format import count

HELP = (
    "Удержание: звонок, линия или период, которых сроки хранения не касаются. Без параметров — список действующих. "
    "Кто и почему, пишется в журнал доступа."
)
CALL_HELP = "Звонок, который держать."
LINE_HELP = "Номер компании: держать все звонки этой линии."
FROM_HELP = "Первый день периода, UTC: 2025-08-01."
TO_HELP = "Последний день периода включительно, UTC."
REASON_HELP = "Почему; обязательно, до 500 знаков."
BY_HELP = "Кто держит или снимает. Пусто: пользователь системы."
UNTIL_HELP = "Первый день, когда удержания уже нет, UTC. Пусто: пока не снимут."
LIFT_HELP = "Снять удержание с этим номером."
NONE = "Удержаний нет."


def line(
    hold_id: int,
    subject: str,
    reason: str,
    by: str,
    at: datetime,
    until: datetime | None,
    *,
    recordings: int,
    ended: int,
) -> str:
    ends = f"до {until:%d.%m.%Y}" if until else "пока не снимут"
    late = f"; у {count(ended, 'записи', 'записей', 'записей')} текст удалён по сроку ещё раньше" if ended else ""
    concerned = count(recordings, "запись", "записи", "записей")
    return f"№ {hold_id}: {subject}, {ends}, {concerned}{late}. Почему: {reason}. Кто: {by}, {at:%d.%m.%Y %H:%M} UTC."


def of_call(call_id: str) -> str:
    return f"звонок {call_id}"


def of_line(phone_line: str) -> str:
    return f"линия {phone_line}"


def of_period(first: datetime, last: datetime) -> str:
    return f"звонки с {first:%d.%m.%Y} по {last:%d.%m.%Y}"


def lifted(hold_id: int) -> str:
    return f"Удержание № {hold_id} снято: дальше действуют обычные сроки."
