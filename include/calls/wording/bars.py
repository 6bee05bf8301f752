"""Russian names of the bars of a run, and what to do about a bar that is exceeded."""

from uuid import UUID

from include.calls.domain.run_bars import Bar, BarResult
from include.common.russian_format import number, percent

NAMES = {
    Bar.NEWLY_MISSING: "Записи, которых портал впервые не отдал",
    Bar.UNREADABLE_ROWS: "Строки портала, понятые не полностью",
    Bar.EMPTY_TEXTS: "Пустые тексты при слышной речи",
    Bar.MUCH_NOT_SENT: "Тексты, для которых большая часть звука не отправлена",
    Bar.FLAGGED_TEXTS: "Тексты с пометкой «проверить»",
}
_CLAUSES = {
    Bar.NEWLY_MISSING: "впервые не отдал портал",
    Bar.UNREADABLE_ROWS: "не поняты полностью строки портала:",
    Bar.EMPTY_TEXTS: "пустых текстов при слышной речи",
    Bar.MUCH_NOT_SENT: "текстов, для которых большая часть звука не отправлена,",
    Bar.FLAGGED_TEXTS: "текстов с пометкой «проверить»",
}
_ADVICE = {
    Bar.NEWLY_MISSING: "похоже на сбой портала, хранилища записей или прокси, а не на удалённые записи: откройте одну "
    "из них на портале и, когда она слышна, продолжите: make resume RUN_ID={run_id}",
    Bar.UNREADABLE_ROWS: "портал прислал то, чего выгрузка не знает: передайте журнал запуска разработчику",
    Bar.EMPTY_TEXTS: "похоже на сбой распознавателя: прослушайте две-три записи; исправен — верните их в работу",
    Bar.MUCH_NOT_SENT: "прослушайте две-три записи: либо в них музыка и шум, либо нарезка не узнаёт речь",
    Bar.FLAGGED_TEXTS: "прослушайте тексты из раздела «проверить»: скорее всего, изменилась модель или звук записей",
}


def exceeded(found: BarResult) -> str:
    """A clause for the verdict: how many, of how many, and how many are accepted."""
    return (
        f"{_CLAUSES[found.bar]} {number(found.cases)} из {number(found.tried)} "
        f"({percent(found.share or 0, 1)}, допустимо {percent(found.most, 1)})"
    )


def advice(found: BarResult, run_id: UUID) -> str:
    what = f"{NAMES[found.bar]}: {number(found.cases)} из {number(found.tried)}"
    return f"{what} — {_ADVICE[found.bar].format(run_id=run_id)}."
