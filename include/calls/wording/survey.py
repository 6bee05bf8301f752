"""Russian words of `make discover` and of the forecast of the first night."""

from datetime import datetime
from decimal import Decimal

from include.common.russian_format import NBSP, count, dollars, hours, number, roubles

HELP = "Посмотреть, что есть на портале: линии, звонки, записи, минуты и сколько стоил бы месяц. Ничего не сохраняется."
FROM_HELP = "Первый день: 2025-08-01, today-30d. Пусто: 30 дней до TO."
TO_HELP = "Последний день включительно. Пусто: сейчас."

COLUMNS = ("Линия", "Звонков в день", "С записью", "Минут в день", "Месяц, USD")
ALL_LINES = "все линии"
NO_LINE = "(линия не названа)"
OTHER_LINES = "остальные линии"
NO_CALLS = "звонков за эти дни портал не знает: проверьте период и права владельца вебхука (`make check`)"
NO_RECORDINGS = "записей нет ни у одного звонка: включите запись разговоров на портале или в АТС"


def heading(start: datetime, end: datetime, total: int) -> str:
    calls = count(total, "звонок", "звонка", "звонков")
    return f"{start:%d.%m.%Y} — {end:%d.%m.%Y}: {calls} по счёту портала"


def sample(start: datetime, rows: int) -> str:
    """Fewer calls were read than the portal has."""
    return f"прочитано {number(rows)}, с {start:%d.%m.%Y}: числа таблицы пересчитаны на весь период"


def unreadable(rows: int) -> str:
    return f"строк, которые не читаются: {number(rows)}; их записи не посчитаны"


def month(minutes: Decimal, rate: Decimal, cost: Decimal, cost_rub: Decimal) -> str:
    return (
        f"Месяц (30 дней): {number(minutes)} мин по {dollars(rate)} — {number(cost, 2)}{NBSP}USD, {roubles(cost_rub)}; "
        "каждая запись округлена до минуты вверх"
    )


def first_night(days: int, recordings: Decimal, minutes: Decimal, cost: Decimal, cost_rub: Decimal) -> str:
    return (
        f"Первая ночь — последние {count(days, 'день', 'дня', 'дней')}: записей {number(recordings)}, "
        f"минут {number(minutes)}, {number(cost, 2)}{NBSP}USD ({roubles(cost_rub)})"
    )


def duration(seconds: float, slots: int) -> str:
    return f"Распознавание займёт около {hours(seconds)} при {slots} параллельных"


def above_budget(budget: Decimal) -> str:
    return (
        f"Это выше бюджета запуска с допуском (BUDGET_USD={number(budget, 2)}): запуск спросит согласия в Airflow, "
        "прежде чем тратить"
    )


def within_budget(budget: Decimal) -> str:
    return f"Это в пределах бюджета запуска (BUDGET_USD={number(budget, 2)}): запуск потратит их, не спрашивая"
