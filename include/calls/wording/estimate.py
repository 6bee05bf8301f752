"""Russian sentences and labels of a run's forecast, `reports/estimate_<period>.md`."""

from decimal import Decimal

from include.common.russian_format import NBSP, dollars, number

NOTHING_TO_BUY = "Покупать нечего: новых записей для распознавания нет."
APPROVED = "Прогноз в пределах согласованной суммы."
WITHIN_TOLERANCE = "Прогноз выше бюджета, но в пределах допуска: согласование не нужно."
WITHIN_BUDGET = "Прогноз в пределах бюджета: согласование не нужно."
UNKNOWN = "неизвестно"

PORTAL_TOTAL = "Звонков по счёту портала"
CALLS = "Звонков в списке"
RECORDINGS = "Из них с записью"
REUSED = "Тексты есть от прежних запусков"
ENDED = "Тексты удалены по сроку хранения, снова не покупаются"
TO_BUY = "Записей к распознаванию"
MINUTES = "Минут к распознаванию"
BILLED_MINUTES = "Минут к оплате (вверх на каждый звонок)"

FORECAST = "Прогноз"
SPENT = "Уже потрачено этим запуском"
BUDGET = "Бюджет запуска"
APPROVED_COST = "Согласовано человеком"
CEILING = "Можно потратить без вопроса"


def needs_approval(over: Decimal, sum_to_approve: Decimal, *, dry_run: bool) -> str:
    """`over` (USD) is above what needs no approval."""
    next_step = "без dry_run запуск остановится и спросит" if dry_run else "запуск остановился и спрашивает"
    return (
        f"Нужно согласование: прогноз на {dollars(over)} выше того, что можно потратить без вопроса; {next_step}, "
        f"можно ли потратить до {dollars(sum_to_approve)}."
    )


def too_slow(slots_needed: int) -> str:
    return f"В срок не уложиться: нужно TRANSCRIBE_CONCURRENCY не меньше {slots_needed}."


def speed(seconds_per_minute: float, *, expected: bool) -> str:
    speed_of = f"{number(seconds_per_minute)} с на минуту"
    return f"{speed_of} (ожидаемая)" if expected else speed_of


def deadline(sla_hours: float) -> str:
    return f"{number(sla_hours)}{NBSP}ч"
