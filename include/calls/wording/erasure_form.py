"""Russian words of the form and the question of `call_erasure`; the DAG file reads them when it is parsed."""

TASK_SUBJECT = "Стереть звонки по требованию человека?"


# Title and description of each field of the DAG's form
PARAMETERS: dict[str, tuple[str, str]] = {
    "erase_number": ("Номер телефона", "в любом написании: +7 999 123-45-67, 8(999)1234567; либо он, либо CALL_ID"),
    "erase_call_id": ("CALL_ID звонка", "как в реестре; либо он, либо номер"),
    "reason": ("Основание", "например: обращение № 12 от 01.08.2025; без имён и номеров телефонов — остаётся навсегда"),
    "asked_by": ("Кто потребовал", "сам человек, представитель, суд; без имён и номеров телефонов — остаётся навсегда"),
    "demanded_on": ("День обращения", "ГГГГ-ММ-ДД, от него считаются 30 дней; пусто — сегодня"),
}
