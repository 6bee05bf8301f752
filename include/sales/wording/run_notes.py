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


def backed_up(name: str, removed: int = 0, left: int = 0) -> str:
    """`left`: backups that are too old and lie where only a person can remove them."""
    found = f"Копия {name}: сделана, цепочка цела."
    if removed:
        found += f" Удалено старых: {number(removed)}."
    if left:
        found += f" Старых: {number(left)} — их файлы удаляет хозяин диска, список: make sales-backup-verify."
    return found


def restore_question(backup: str, made_at: str) -> str:
    return f"Заменить таблицы ClickHouse копией {backup} от {made_at}?"


def restore_body(tables: Sequence[tuple[str, int, int, bool]]) -> str:
    """Of each table: its name, rows in the backup, rows now, whether both are the same to the last value."""
    head = "| таблица | строк в копии | строк сейчас | |\n|---|---|---|---|"
    rows = [
        f"| {table} | {number(then)} | {number(now)} | {'совпадает' if same else 'изменится'} |"
        for table, then, now, same in tables
    ]
    return "\n".join([head, *rows, "", RESTORE_AFTER])


RESTORE_AFTER = (
    "Витрины до замены показывают прежнее. Прежние таблицы останутся во второй базе до ближайшей проверки копий."
)


def restored_for_real(name: str, day: date, sources: Sequence[str]) -> str:
    """`day`: of the backup; what came later is loaded anew."""
    commands = "; ".join(f"make sales-load SOURCE={source} FROM={day}" for source in sources)
    return f"Таблицы заменены копией {name}. Догрузить то, что было после неё: {commands}."


def restored(name: str, rows: int) -> str:
    return f"Копия {name} восстановлена рядом и совпала: {count(rows, 'строка', 'строки', 'строк')}."
