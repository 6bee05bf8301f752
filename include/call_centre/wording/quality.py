"""Russian words of run notes, the question about money, and reasons."""

from collections.abc import Mapping
from decimal import Decimal

from include.call_centre.wording.problems import PROBLEMS
from include.common.errors import ExportError
from include.common.russian_format import count, number
from include.common.wording import problems as common

REASONS: Mapping[str, str] = {
    "roles_unknown": "роли не разделены",
    "too_short": "слишком короткий",
    "too_long": "слишком длинный для моделей",
    "wrong_language": "другой язык",
    "text_doubtful": "текст требует проверки",
    "text_gone": "текста нет",
    "low_coverage": "по тексту мало что видно",
    "llm_refused": "модель отказалась отвечать",
}
TASK_SUBJECT = "Оценка звонков дороже бюджета"


def sentence(error: ExportError) -> str:
    return common.sentence(error, PROBLEMS)


def failed(task_id: str, error: ExportError) -> str:
    return f"{task_id}: {sentence(error)}."


def planned(texts: int, usd: Decimal, unscorable: Mapping[str, int]) -> str:
    if not texts and not unscorable:
        return "Новых текстов нет."
    left = "; ".join(f"{REASONS.get(why, why)} — {found}" for why, found in sorted(unscorable.items()))
    sentence_of_left = f" Без оценки: {left}." if left else ""
    return f"К оценке {count(texts, 'текст', 'текста', 'текстов')}, прогноз ${number(usd, 2)}.{sentence_of_left}"


def question_body(texts: int, usd: Decimal, allowed: Decimal, budget: Decimal, day_left: Decimal) -> str:
    return (
        f"К оценке {count(texts, 'текст', 'текста', 'текстов')}, прогноз **${number(usd, 2)}**.\n\n"
        f"Бюджет запуска ${number(budget, 2)}, на сегодня у всех задач осталось ${number(day_left, 2)}.\n\n"
        f"Approve — запуск потратит не больше ${number(allowed, 2)}. Reject или нет ответа — ничего не потрачено, "
        "запуск отменён. Пока вопрос открыт, следующие запуски ждут."
    )


def calibrated(criteria: Mapping[str, str]) -> str:
    passed = sum(status == "pass" for status in criteria.values())
    few = sum(status == "insufficient" for status in criteria.values())
    return f"Откалибровано критериев: {passed} из {len(criteria)}; звонков мало: {few}. Цифры — на странице «Качество»."


def cancelled(by: str | None) -> str:
    return f"Отменено: {by or 'никто не ответил'}. Ничего не потрачено."


def closed(scored: int, unscorable: int, failed_texts: int, usd: Decimal) -> str:
    tail = f" Ошибок: {number(failed_texts)}." if failed_texts else ""
    return f"Оценено {number(scored)}, без оценки {number(unscorable)}, потрачено ${number(usd, 2)}.{tail}"
