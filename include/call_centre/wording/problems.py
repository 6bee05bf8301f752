"""Russian sentences for errors of the call centre (`include/common/wording/problems.py` says how)."""

PROBLEMS: dict[str, str] = {
    "card_unknown": "карты {card} нет; есть {known}",
    "card_broken": "карта {where} непригодна: {reason}",
    "card_changed": "карта {card} v{version} изменена: изменённая карта — новый файл со следующей версией",
    "quality_period": "начало периода позже его конца",
    "quality_day": "{value} — не день; нужно, например, 2026-11-30",
    "rescore_without_provider": "для rescore назовите provider: чья оценка нужна",
    "quality_budget_spent": (
        "бюджет исчерпан: {spent} из {ceiling} USD; купленное сохранено, следующий запуск посчитает остаток и спросит"
    ),
    "quality_run_ended": "запуск уже закончен ({status})",
    "llm_rejects": "провайдер отвергает запросы один за другим: смотрите журнал задачи",
    "quality_criterion": "в карте нет критерия {criterion}",
    "quality_answer": "такого ответа у критерия нет; есть {known}",
    "no_such_score": "такой оценки нет",
    "no_such_dispute": "такого спора нет",
    "dispute_late": "оспорить оценку можно {days} дней",
    "dispute_again": "этот критерий уже оспорен",
    "dispute_own": "свой спор решает другой человек",
    "dispute_decided": "спор уже решён",
    "sheet_no_table": "файл — не таблица калибровки",
    "sheet_row": "строка {row}: не подходит значение в столбце {column}; из файла ничего не взято",
    "sheet_item": "звонка {item} в наборе нет; из файла ничего не взято",
    "scores_in_error": "оценок не получилось: {count}; очистите задачу, чтобы повторить",
}
