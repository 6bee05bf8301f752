"""Russian words of `make check`."""

from datetime import datetime
from enum import StrEnum

from include.clients.storage.base import Encryption, KeepingRule
from include.common.russian_format import count, number, seconds

HELP = "Проверить настройки и доступы без запуска: ничего не скачивается, не сохраняется и не оплачивается."
COLUMNS = ("Что", "Итог", "Подробности")


class Result(StrEnum):
    WORKS = "да"
    DOUBTFUL = "внимание"
    FAILS = "нет"
    NOT_CHECKED = "не проверено"


PORTAL = "Портал"
RECOGNISER = "Распознаватель"
FALLBACK = "Запасная модель"
LANGUAGE_MODEL = "Языковая модель"
STATE = "База состояния"
STORAGE = "Хранилище"
BACKUPS = "Второе место (копии)"
CLOCK = "Часы"
AIRFLOW = "Airflow"
ALERTS = "Оповещения"

NOT_RUNNING = "система не запущена: make up"
DATABASE_NOT_RUNNING = "своя база системы не запущена: её запускает make up"
NO_SCHEMA = "база отвечает, таблиц ещё нет: их создаст make up"
SUMMARIES_OFF = "саммари выключены (CALL_SUMMARY_ENABLED)"
NO_FALLBACK = "не задана (STT_FALLBACK_MODEL)"
NO_BACKUPS = "не задано: копий не будет (BACKUP_URL)"
CLOCK_UNKNOWN = "портал не назвал своего времени"
NO_ALERTS = "не заданы: о сбое узнают только в Airflow (ALERTS_TO)"
SENDING_PROVES = "проверяется только самим сообщением"
FOLDER_ENCRYPTION = "шифрование — дело диска"

_ENCRYPTION_UNKNOWN = "зашифрованы ли объекты, сервер не говорит"
_BUCKET_SETS_NOTHING = "сам бакет не шифрует"


def portal_allows(host: str) -> str:
    return f"{host}: вебхук видит всё, что нужно выгрузке"


def model_listed(model: str) -> str:
    return f"сервис отвечает, модель {model} у него есть"


def no_list(model: str) -> str:
    return f"сервис отвечает; списка моделей у него нет, {model} покажет первый запуск"


def model_not_listed(model: str, setting: str, models: int) -> str:
    return f"сервис отвечает, но модели {model} нет среди его {number(models)}: проверьте {setting}"


def schema_fits(revision: str, role: str) -> str:
    return f"отвечает, схема {revision} — та, что нужна; вход как {role}"


def schema_differs(found: str, wanted: str) -> str:
    return f"схема {found}, а нужна {wanted}: make up её обновит"


def storage_works(place: str) -> str:
    return f"{place}: файл записан, прочитан и удалён"


def free(free_bytes: int) -> str:
    return f"свободно {number(free_bytes / 10**9, 1)} ГБ"


def encryption(found: Encryption) -> tuple[str, bool]:
    """The sentence, and whether objects are known to be encrypted."""
    if found.written:
        with_key = f", ключ {found.key}" if found.key else ""
        return f"объект лежит зашифрованным: {found.written}{with_key}", True
    if found.by_itself:
        return f"бакет шифрует сам: {found.by_itself}", True
    return f"{_ENCRYPTION_UNKNOWN if found.by_itself is None else _BUCKET_SETS_NOTHING}: S3_ENCRYPTION", False


def keeping(rule: KeepingRule, days: int | None) -> str:
    for_days = f" ({count(days, 'день', 'дня', 'дней')})" if days else ""
    match rule:
        case KeepingRule.OBJECT_LOCK:
            return f"бакет не даёт удалять версии{for_days}: сверьте со сроками хранения"
        case KeepingRule.EXPIRES_BY_ITSELF:
            return f"бакет сам удаляет объекты{for_days}: сверьте со сроками хранения"
        case KeepingRule.NOT_KNOWN:
            return "правил бакета ключ прочесть не может"


def mail_server_works(host: str, readers: str) -> str:
    return f"почтовый сервер {host} впускает; пишем: {readers or 'никому'}"


def clock(portal_ahead: float) -> str:
    way = "впереди" if portal_ahead > 0 else "позади"
    return f"часы портала {way} наших на {seconds(abs(portal_ahead), 1)}"


def airflow_answers(address: str) -> str:
    return f"{address} отвечает, вход принят"


def summed_up(failed: int, doubtful: int, at: datetime) -> str:
    when = f"{at:%d.%m.%Y %H:%M} UTC"
    if failed:
        return f"Не работает: {number(failed)}. Исправьте и повторите `make check` ({when})"
    return (
        f"Работает всё, что проверено; обратить внимание: {number(doubtful)} ({when})"
        if doubtful
        else (f"Всё работает ({when})")
    )
