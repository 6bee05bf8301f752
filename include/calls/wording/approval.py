"""Russian sentences of the approval of a cost above the budget: the question, and the decision as people read it."""

from decimal import Decimal

from include.common.budget import Decision
from include.common.russian_format import number

TASK_SUBJECT = "Бюджет запуска"  # of the plan's task in Airflow until the question replaces it
NOTHING_HAPPENS_MEANWHILE = "До ответа ничего не скачивается и не тратится"

PERIOD = "Период"
RECORDINGS = "Записей к распознаванию"
MINUTES = "Минут к оплате"
FORECAST = "Прогноз"
SPENT = "Уже потрачено этим запуском"
BUDGET = "Бюджет запуска"
CEILING = "Можно потратить без вопроса"
TIME = "Время распознавания"


def subject(cost: Decimal, budget: Decimal) -> str:
    """The question's headline: `cost` is what an approval lets the run spend in all."""
    return f"Потратить до {number(cost, 2)} USD? Бюджет {number(budget, 2)} USD"


def decision(made: Decision, cost: Decimal) -> str:
    """A clause without a full stop; `cost` is the sum that the question named. A refusal's is stored with the run."""
    sum_asked = f"{number(cost, 2)} USD"
    if made.approved:
        return f"расход до {sum_asked} согласован, решение: {made.by}"
    if made.by:
        return f"расход до {sum_asked} не согласован, решение: {made.by}; больше ничего не скачивается и не тратится"
    return f"расход до {sum_asked} не согласован в срок; больше ничего не скачивается и не тратится"
