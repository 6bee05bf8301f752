"""Russian sentences of a run's note in Airflow."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from include.common.errors import ExportError
from include.common.russian_format import count, number
from include.common.wording import problems as common
from include.sales.wording.problems import PROBLEMS

OFF = "Источник не настроен: загружать нечего."


def sentence(error: ExportError) -> str:
    return common.sentence(error, PROBLEMS)


def failed(task_id: str, error: ExportError) -> str:
    return f"{task_id}: {sentence(error)}."


def postponed(accounts: Sequence[str]) -> str:
    return f"Отложено: {', '.join(accounts)} загружает другой запуск; заберёт следующий."


def loaded(rows: int, tombstones: int, amount: Decimal, *, loads: int, postponed_accounts: Sequence[str] = ()) -> str:
    """`amount` in the warehouse's currency."""
    sentence_of_loads = (
        f"Загружено {count(rows, 'строка', 'строки', 'строк')}, исчезло {number(tombstones)}, сумма {number(amount, 2)}"
        f" ({count(loads, 'загрузка', 'загрузки', 'загрузок')})."
    )
    return f"{sentence_of_loads} {postponed(postponed_accounts)}" if postponed_accounts else sentence_of_loads


def not_all(loads: int, good: int, reason: str) -> str:
    return f"Загружено не всё: {good} из {loads}; {reason or 'смотрите лог задачи load'}."


def dry_run(rows: int, by_day: Mapping[date, Decimal], findings: Mapping[str, int]) -> str:
    days = "; ".join(f"{day:%d.%m} {number(amount, 2)}" for day, amount in sorted(by_day.items())[-7:])
    found = "; ".join(f"{code} {number(times)}" for code, times in sorted(findings.items()))
    return f"Проба, ничего не записано: {count(rows, 'строка', 'строки', 'строк')}. {days}. {found}".strip()


def schema(migrations: int, views: int, grants: int) -> str:
    return f"Миграций {migrations}, витрин {views}, прав {grants}."


def digest(sent: int, standing: int) -> str:
    return f"Оповещений отправлено {sent}, открыто {standing}."


def backed_up(name: str) -> str:
    return f"Копия {name}: сделана, цепочка цела."


def restored(name: str, rows: int) -> str:
    return f"Копия {name} восстановлена рядом и совпала: {count(rows, 'строка', 'строки', 'строк')}."
