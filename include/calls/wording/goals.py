"""Russian names, norms and results of a run's goals, as the report's first table shows them."""

from collections.abc import Callable
from decimal import Decimal

from include.calls.domain.run_bars import Bar
from include.calls.domain.run_goals import Goal, GoalName
from include.calls.wording import bars
from include.common.russian_format import NBSP, hours, number, percent

Figure = Decimal | float

HEAD = ("Цель", "Норма", "Факт", "Достигнута")
OUTCOMES = {"met": "да", "missed": "нет", "unknown": "нет данных"}
NAMES = {
    GoalName.COVERAGE: "Покрытие: записи, у которых есть текст",
    GoalName.ERRORS: "Записи, закончившиеся ошибкой",
    GoalName.LISTING: "Все строки статистики портала прочитаны",
    GoalName.PAID_ONCE: "Один разговор не оплачен дважды",
    GoalName.DURATIONS: "Расхождение длительности с порталом",
    GoalName.COST: "Расход к прогнозу",
    GoalName.TIME: "Время выгрузки",
    **{GoalName(bar): name for bar, name in bars.NAMES.items()},
}
_NO_FACT = {
    GoalName.COVERAGE: "только прогноз",
    GoalName.ERRORS: "только прогноз",
    GoalName.COST: "прогноза нет",
    **{GoalName(bar): "таких не было" for bar in Bar},
}
_NORMS: dict[GoalName, Callable[[Figure], str]] = {
    GoalName.COVERAGE: lambda share: f"≥ {percent(share, 0)}",
    GoalName.ERRORS: lambda share: f"≤ {percent(share, 0)}",
    GoalName.LISTING: number,
    GoalName.PAID_ONCE: lambda _: "0 повторов",
    GoalName.DURATIONS: lambda share: f"≤ {percent(share, 1)}",
    GoalName.COST: lambda share: f"не выше +{percent(share, 0)}",
    GoalName.TIME: lambda seconds: f"≤ {number(seconds / 3600)}{NBSP}ч",
    **{GoalName(bar): lambda share: f"≤ {percent(share, 0)}" for bar in Bar},
}
_FACTS: dict[GoalName, Callable[[Figure], str]] = {
    GoalName.COVERAGE: percent,
    GoalName.ERRORS: percent,
    GoalName.LISTING: number,
    GoalName.PAID_ONCE: number,
    GoalName.DURATIONS: percent,
    GoalName.COST: lambda share: f"{'+' if share > 0 else ''}{percent(share, 1)}",
    GoalName.TIME: hours,
    **{GoalName(bar): percent for bar in Bar},
}


def norm(goal: Goal) -> str:
    return "итог портала" if goal.norm is None else _NORMS[goal.name](goal.norm)


def fact(goal: Goal) -> str:
    return _NO_FACT.get(goal.name, "нет данных") if goal.fact is None else _FACTS[goal.name](goal.fact)


def row(goal: Goal) -> list[str]:
    return [NAMES[goal.name], norm(goal), fact(goal), OUTCOMES[goal.outcome]]
