"""Russian sentences of the DAG `call_retention`: the note of its run and the report of the night."""

from include.calls.domain.data_classes import OF_FILES, DataClass, Expired, Tally
from include.common.russian_format import NBSP, count, number

PHASE = "удаляю по срокам хранения"
CLASSES: dict[DataClass, str] = {
    DataClass.AUDIO: "аудио",
    DataClass.RECOGNITION: "ответы распознавателя",
    DataClass.TEXTS: "тексты и саммари",
    DataClass.DELIVERED: "копии для заказчика",
    DataClass.REPORTS: "отчёты",
    DataClass.REGISTRY: "реестры",
    DataClass.RUN_LOGS: "журналы",
    DataClass.EVENTS: "события",
    DataClass.AUDIT: "журнал доступа",
    DataClass.ROWS: "номера и имена в строках",
}
BY_ROWS = frozenset(DataClass) - set(OF_FILES)


def note(done: Expired) -> str:
    """The note of the DAG run: what went, then what did not and why."""
    gone = [
        f"{CLASSES[data]} {_amount(data, tally)}" for data, tally in done.tallies.items() if tally.rows or tally.files
    ]
    sentence = "; ".join(gone) or "по срокам удалять нечего"
    begins = "Пробный прогон, было бы удалено" if done.dry_run else "Удалено по срокам"
    return " ".join([f"{begins}: {sentence}." if gone else f"{sentence[:1].upper()}{sentence[1:]}.", *_left(done)])


def report(done: Expired) -> str:
    """Markdown; counts only, no numbers, names or ids."""
    title = "Что удалил бы call_retention (пробный прогон)" if done.dry_run else "Что удалил call_retention"
    lines = [
        f"# {title}",
        "",
        f"{done.began_at:%d.%m.%Y %H:%M} UTC. Сроки — `retention_days` в `include/calls/policy.yaml`.",
        "",
        "| Вид данных | Записей, строк | Файлов | МБ | Оставлено: удержание |",
        "| --- | --- | --- | --- | --- |",
        *(_line(data, tally) for data, tally in done.tallies.items()),
        "",
        *_left(done),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _left(done: Expired) -> list[str]:
    held = sum(tally.held for tally in done.tallies.values())
    found = []
    if held:
        found.append(f"Оставлено из-за удержаний: {number(held)}.")
    if done.busy:
        found.append(
            f"С {count(done.busy, 'записью', 'записями', 'записями')} работает запуск, файлы удалит следующая ночь."
        )
    if done.months_left:
        found.append(
            f"События за {count(done.months_left, 'месяц', 'месяца', 'месяцев')} заняты, их удалит следующая ночь."
        )
    if done.locked_days is not None:
        days = f" на {count(done.locked_days, 'день', 'дня', 'дней')}" if done.locked_days else ""
        found.append(f"Бакет блокирует версии объектов{days}: раньше они не удалятся, сроку это противоречит.")
    if done.expiring_days is not None:
        days = count(done.expiring_days, "день", "дня", "дней")
        found.append(f"Правило жизненного цикла бакета удаляет объекты через {days}: раньше срока и мимо удержаний.")
    if done.rules_unknown:
        found.append("Правила бакета (блокировка, жизненный цикл) узнать не удалось: ключу не хватает прав.")
    if done.refused:
        found.append(
            f"Хранилище не удалило {count(done.refused.total(), 'файл', 'файла', 'файлов')}, причина в логе задачи."
        )
    return found


def _amount(data: DataClass, tally: Tally) -> str:
    amount = number(tally.rows if data in BY_ROWS else tally.files)
    return f"{amount} ({_megabytes(tally)}{NBSP}МБ)" if tally.files else amount


def _line(data: DataClass, tally: Tally) -> str:
    rows = number(tally.rows) if data in BY_ROWS else "—"
    return f"| {CLASSES[data]} | {rows} | {number(tally.files)} | {_megabytes(tally)} | {number(tally.held)} |"


def _megabytes(tally: Tally) -> str:
    return number(tally.size / 1_000_000, 1)
