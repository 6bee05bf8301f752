"""Russian sentences of an erasure on a person's demand: the question, notes, the proof."""

from collections.abc import Mapping

from include.calls.domain.erasure import Erasure, Found, SubjectKind
from include.common.russian_format import count, number

AGAIN_HELP = "Стереть снова то, что вернула восстановленная копия, по надгробиям из базы и хранилища."
REGISTERING = "записываю требование"
LOOKING = "ищу звонки"
DECIDING = "записываю решение"
ERASING = "стираю"

KINDS = {SubjectKind.CALL: "звонок", SubjectKind.NUMBER: "номер"}


def question(erasure: Erasure) -> str:
    return f"Стереть {KINDS[erasure.kind]} {erasure.masked} без возврата?"


def preview(erasure: Erasure, found: Found) -> str:
    """The body of the question, Markdown."""
    days = "—" if found.first_day is None else f"{found.first_day:%d.%m.%Y} — {found.last_day:%d.%m.%Y}"
    rows = [
        ("Звонков", number(found.calls)),
        ("Записей", number(found.recordings)),
        ("Дни звонков (UTC)", days),
        ("Аудио", number(found.audio)),
        ("Текстов", number(found.texts)),
        ("Саммари", number(found.summaries)),
        ("Замечаний проверки", number(found.qa_comments)),
        ("В DLQ", number(found.dead_letters)),
        ("Событий в журнале", number(found.events)),
        ("Запусков, чьи файлы перепишутся", number(found.runs)),
        ("Основание", erasure.reason.replace("|", "/")),
        ("Кто потребовал", erasure.asked_by.replace("|", "/")),
        ("Запустил", erasure.triggered_by.replace("|", "/")),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"| Что | Сколько |\n|---|---|\n{table}\n\n"
        "Вернуть стёртое нельзя. Завтрашняя выгрузка эти звонки не принесёт. Ответить может только другой человек: "
        "ответ того, кто запустил, не принимается, и вопрос задаётся снова."
    )


def registered(erasure: Erasure) -> str:
    return f"Требование {erasure.erasure_id}: {KINDS[erasure.kind]} {erasure.masked}."


def asked(erasure: Erasure, found: Found) -> str:
    return (
        f"Найдено {count(found.calls, 'звонок', 'звонка', 'звонков')} ({erasure.masked}). "
        "Жду решения второго человека на вкладке Required Actions."
    )


def refused(by: str | None) -> str:
    return f"Отказано: {by}. Ничего не стёрто." if by else "Решения не было, это отказ. Ничего не стёрто."


def settled(erasure: Erasure) -> str:
    return f"Стёрто и проверено ({erasure.masked}). Доказательство — erasures/{erasure.erasure_id}/ в хранилище."


def again(recordings: int) -> str:
    if not recordings:
        return "Стёртого раньше в базе и хранилище нет."
    return f"Стёрто снова: {count(recordings, 'запись', 'записи', 'записей')}."


PROOF_TITLE = "Доказательство стирания"
CLASSES: Mapping[str, str] = {
    "raw": "аудио",
    "playable": "копия аудио для браузера",
    "peaks": "волна аудио",
    "transcripts": "файл текста",
    "recognition": "ответ распознавателя",
    "summary": "саммари",
    "text": "текст в базе",
    "audio_row": "контрольная сумма аудио в базе",
}
PLACES: Mapping[str, str] = {
    "files": "файлы записей в хранилище",
    "copies": "копии в папках периодов (exports/)",
    "period_files": "реестры, отчёты и журналы запусков этих дней (CSV, XLSX, MD, JSONL)",
    "said_elsewhere": "файлы, где номер остался: его назвали в другом звонке",
    "texts": "база: тексты",
    "comments": "база: замечания проверки",
    "letters": "база: DLQ",
    "events": "база: журнал событий",
    "responses": "база: ответы распознавателя и языковой модели",
}
# Where, what is there, what to do
ELSEWHERE: list[tuple[str, str, str]] = [
    (
        "портал",
        "строка статистики звонка, запись, карточка клиента (CRM)",
        "удалить запись и карточку на портале; строку статистики REST удалить не может — просить поддержку портала",
    ),
    (
        "сервис распознавания",
        "звук запросов, сколько — по договору с сервисом",
        "спросить срок хранения и, если он не ноль, потребовать удаления",
    ),
    ("языковая модель", "тексты, если саммари включены", "то же; мы просим не хранить (`store=false`)"),
    (
        "резервные копии",
        "всё, что попало в них до стирания",
        "после восстановления — `make erase-again`, до первого запуска",
    ),
    (
        "таблицы проверки, выданные копии папок, письма",
        "то, что люди унесли",
        "спросить у тех, кому выдавали",
    ),
    ("Slack", "сообщения без персональных данных", "ничего"),
    (
        "база Airflow, журнал действий",
        "кто и когда запускал; номер и CALL_ID в нём скрыты звёздочками",
        "ничего",
    ),
    (
        "файлы PostgreSQL и WAL",
        "следы строк до `VACUUM FULL` и до смены WAL",
        "команда в runbook, «Стереть по требованию»",
    ),
]


def proof(
    erasure: Erasure,
    document: Mapping[str, object],
    removed: list[tuple[str, str, str]],
    looked: list[tuple[str, int]],
    rewritten: list[tuple[str, str]],
) -> str:
    """The proof as Markdown; `removed` rows are day, kind and sha256, all without ids."""
    gone = "\n".join(f"| {day} | {CLASSES.get(kind, kind)} | `{digest}` |" for day, kind, digest in removed)
    places = "\n".join(f"| {PLACES.get(place, place)} | {number(left)} |" for place, left in looked)
    elsewhere = "\n".join(f"| {where} | {what} | {action} |" for where, what, action in ELSEWHERE)
    again = "\n".join(f"| `{key}` | `{digest}` |" for key, digest in rewritten) or "| — | — |"
    return (
        f"# {PROOF_TITLE}\n\n"
        f"| | |\n|---|---|\n"
        f"| требование | {erasure.erasure_id} |\n| что | {KINDS[erasure.kind]} {erasure.masked} |\n"
        f"| ключевой хеш | `{erasure.subject_hash}` (ключ `{erasure.key_name}`) |\n"
        f"| потребовали | {erasure.demanded_at:%d.%m.%Y %H:%M} UTC |\n"
        f"| решено | {document['decided_at']} |\n| стёрто | {document['proved_at']} |\n"
        f"| записей | {document['recordings']} |\n\n"
        f"## Что удалено (sha256 до удаления)\n\n| День звонка | Что | sha256 |\n|---|---|---|\n{gone}\n\n"
        f"## Что переписано без этих звонков (sha256 до)\n\n| Файл | sha256 |\n|---|---|\n{again}\n\n"
        f"## Где искали после, сколько нашли\n\n| Где | Осталось |\n|---|---|\n{places}\n\n"
        f"## Что осталось не у нас\n\n| Где | Что там есть | Что сделать |\n|---|---|---|\n{elsewhere}\n"
    )
