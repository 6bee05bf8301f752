"""Russian words of the audit log: `make audit`."""

from datetime import datetime

from include.calls.domain.audit_chain import Action, Break, Fault
from include.common.russian_format import number

HELP = "Журнал доступа: кто, когда и что делал со звонками; проверка, что записи никто не менял и не убрал."
FROM_HELP = "Первый день, UTC: 2025-08-01. Пусто: с начала."
TO_HELP = "Последний день включительно, UTC. Пусто: по сегодня."
HEAD_HELP = "Номер и начало хэша записи, выписанные раньше: 120:9f86d081. Проверяется, что она на месте."
COLUMNS = ("№", "Когда, UTC", "Кто", "Роль в базе", "Что", "Запуск", "Звонок", "Почему", "Подробности")
ACTIONS = {
    Action.EXPORT_STARTED: "выгрузка начата",
    Action.EXPORT_ENDED: "выгрузка закончена",
    Action.DELIVERY_STARTED: "начата выдача файлов",
    Action.TEXTS_DELIVERED: "файлы выданы в папку",
    Action.FILES_FETCHED: "файлы периода получены архивом",
    Action.TEXTS_REBUILT: "тексты построены заново",
    Action.REPLAY_STARTED: "записи отданы другому движку",
    Action.TEXTS_ADOPTED: "тексты заменены услышанным другим движком",
    Action.CALL_CHECKED: "звонок оценён",
    Action.BUDGET_APPROVED: "расход согласован",
    Action.BUDGET_REFUSED: "расход не согласован",
    Action.POLICY_CHANGED: "изменены настройки policy.yaml",
    Action.SECRET_CHANGED: "сменён секрет",
    Action.PERIOD_RESET: "период начат заново: тексты будут куплены ещё раз",
    Action.HOLD_PLACED: "установлено удержание",
    Action.HOLD_LIFTED: "снято удержание",
    Action.DATABASE_RESTORED: "базы восстановлены из копии",
    Action.ENTRIES_FORGOTTEN: "удалены записи старше срока",
    Action.ERASURE_ASKED: "потребовано стереть звонки",
    Action.ERASURE_APPROVED: "стирание согласовано",
    Action.ERASURE_REFUSED: "в стирании отказано",
    Action.ERASURE_SETTLED: "звонки стёрты",
    Action.CALLS_SEARCHED: "поиск звонков",
    Action.SEARCH_SHARED: "поиск отправлен ссылкой",
    Action.CALL_OPENED: "звонок открыт",
    Action.TEXT_READ: "текст прочитан",
    Action.HISTORY_READ: "история звонка прочитана",
    Action.CALL_HEARD: "запись прослушана",
    Action.AUDIO_TAKEN: "запись скачана",
    Action.NUMBER_SHOWN: "номер показан",
    Action.ROLES_CHANGED: "роли в звонке исправлены",
    Action.BUNDLE_ASKED: "набор звонков собран для выгрузки",
    Action.BUNDLE_TAKEN: "набор звонков скачан",
    Action.RUN_FILE_TAKEN: "отчёт или реестр получен",
    Action.ACCESS_DENIED: "в доступе отказано",
    Action.SCORES_LISTED: "список оценок прочитан",
    Action.SCORE_READ: "оценка прочитана",
    Action.SCORE_JUDGED: "оценка пересмотрена человеком",
    Action.SCORE_DISPUTED: "оценка оспорена",
    Action.DISPUTE_DECIDED: "спор об оценке решён",
    Action.SCORES_TAKEN: "оценки выгружены таблицей",
}
FAULTS = {
    Fault.CHANGED: "запись № {entry} изменена: её хэш не сходится",
    Fault.MISSING: "записи № {entry} нет, хотя следующие есть",
    Fault.UNLINKED: "запись № {entry} стоит не на своём месте: её хэш не продолжает предыдущую",
    Fault.BEGINNING_CUT: "начала журнала нет: первой должна быть запись № {entry}",
    Fault.TAIL_CUT: "конца журнала нет: начиная с записи № {entry}",
}
NOTED_IS_GONE = "выписанной записи № {entry} с таким хэшем в журнале нет: журнал переписан или обрезан"


def action(name: str) -> str:
    return ACTIONS[Action(name)] if name in set(Action) else name


def moment(value: datetime) -> str:
    return f"{value:%d.%m.%Y %H:%M:%S}"


def fault(found: Break) -> str:
    return FAULTS[found.fault].format(entry=found.entry_no)


def whole(entries: int, last_no: int, last_hash: str) -> str:
    note = f"; последняя № {last_no}, хэш {last_hash[:16]} — выпишите её, чтобы проверить потом" if entries else ""
    return f"журнал цел: проверено записей {number(entries)}{note}"


def broken(faults: int) -> str:
    return f"журнал повреждён: нарушений {number(faults)}; что делать: docs/monitoring.md"
