"""Russian names of statuses, error codes, stages and outcomes of calls."""

from collections.abc import Iterable

from include.calls.domain.states import RecordStatus
from include.common.errors import ErrorCode
from include.common.russian_format import count
from include.common.telephony import CallOutcome
from include.speech.quality_flags import ReviewReason

_S = RecordStatus
STATUSES = {
    _S.COMPLETED: "есть текст",
    _S.NO_RECORDING: "записи нет",
    _S.MISSING_AUDIO: "запись пропала на портале",
    _S.ERROR: "ошибка",
    _S.PENDING: "не начат",
    _S.DOWNLOADING: "скачивается",
    _S.DOWNLOADED: "скачан, не распознан",
    _S.TRANSCRIBING: "распознаётся",
    _S.ERASED: "стёрт по требованию",
}

# The short form of docs/error_codes.md: what it is, what the operator does.
ERRORS: dict[str, tuple[str, str]] = {
    ErrorCode.FORBIDDEN_HOST: ("запись на чужом хосте", "впишите свой хост записей в RECORDING_HOSTS"),
    ErrorCode.MISSING_AUDIO: ("ссылка на запись мертва", "проверьте срок хранения записей на портале"),
    ErrorCode.DOWNLOAD_FAILED: ("аудио не скачалось", "продолжите запуск, когда портал ответит"),
    ErrorCode.NOT_AUDIO: ("файл не читается как аудио", "прослушайте запись на портале"),
    ErrorCode.CHECKSUM_MISMATCH: ("сохранённое аудио изменилось", "проверьте хранилище и продолжите запуск"),
    ErrorCode.AUDIO_TOO_SHORT: ("запись короче 0,1 с", "распознавать нечего"),
    ErrorCode.AUDIO_LIMITS: ("запись за пределами разбора", "прослушайте запись, прочтите error_message"),
    ErrorCode.DECODING_DIED: ("разбор записи оборвался", "проверьте память сервера и продолжите запуск"),
    ErrorCode.STT_TIMEOUT: ("распознаватель не ответил вовремя", "продолжите запуск или поднимите STT_TIMEOUT_SECONDS"),
    ErrorCode.STT_REJECTED: ("распознаватель отверг аудио", "прослушайте запись, прочтите error_message"),
    ErrorCode.STT_UNAVAILABLE: ("распознаватель недоступен", "проверьте сервис и прокси, продолжите запуск"),
    ErrorCode.STT_QUOTA: ("на счёте распознавателя нет средств", "пополните счёт и продолжите запуск"),
    ErrorCode.STORAGE_FAILED: ("хранилище не приняло файл", "проверьте место и права, продолжите запуск"),
    ErrorCode.SUMMARY_FAILED: ("саммари не получилось", "текст есть; продолжите запуск ради саммари"),
    ErrorCode.LLM_UNAVAILABLE: ("языковые модели сейчас не отвечают", "ничего: задача повторится сама"),
    ErrorCode.LLM_NO_ANSWER: ("языковая модель не дала ответа", "посмотрите причину в логе задачи"),
    ErrorCode.TEXT_ENDED: ("текст удалён по сроку хранения", "ничего: снова он не покупается"),
    ErrorCode.BAD_ROW: ("строка статистики непонятна", "передайте её разработчику"),
    ErrorCode.INTERNAL: ("непредвиденная ошибка", "передайте лог пачки разработчику"),
}

_O = CallOutcome
# Of calls without a recording.
CALL_OUTCOMES: dict[str, str] = {
    _O.ANSWERED: "разговор был, записи пока нет",
    _O.MISSED: "звонок пропущен",
    _O.NO_FUNDS: "нет средств на счёте телефонии",
    _O.FORBIDDEN: "звонок запрещён",
    _O.WRONG_NUMBER: "неверный номер",
    _O.LINE_BLOCKED: "линия заблокирована",
    _O.NOT_AVAILABLE: "абонент временно недоступен",
    _O.UNREACHABLE: "направление недоступно",
    _O.BUSY: "занято",
    _O.DECLINED: "звонок отклонён",
    _O.CANCELLED: "звонок отменён",
    _O.UNDETERMINED: "причина не определена",
    _O.UNKNOWN: "код портала системе не известен",
    _O.NOT_STATED: "код не указан",
}

REVIEW_REASONS: dict[str, str] = {
    ReviewReason.NO_SPEECH: "речи не слышно",
    ReviewReason.EMPTY_TEXT: "речь есть, текст пуст",
    ReviewReason.LOOP: "повтор одних и тех же слов",
    ReviewReason.SPEECH_RATE: "невозможный темп речи",
    ReviewReason.LANGUAGE: "неожиданный язык",
    ReviewReason.KNOWN_PHRASE: "фраза, которую модели выдумывают из тишины",
    ReviewReason.MUCH_NOT_SENT: "большая часть звука не отправлена распознавателю",
    ReviewReason.PARTLY_UNHEARD: "звук между репликами не отправлен: похож на музыку",
    ReviewReason.LOW_CONFIDENCE: "модель не уверена в тексте",
    ReviewReason.INVENTED_TAIL: "конец отрывка, похоже, придуман",
}
QA_RESULTS = {"ok": "в порядке", "issue": "замечание"}
DECISIONS = {
    "approved": "согласован",
    "refused": "не согласован",
    "approval_timed_out": "не согласован: ответа не дождались",
}
DIRECTIONS = {
    "inbound": "входящий",
    "outbound": "исходящий",
    "callback": "обратный",
    "info": "информационный",
    "unknown": "не определено",
}
ROLES = {
    "channels": "по каналам",
    "evidence": "по словам",
    "diarized": "голоса без ролей",
    "none": "не определены",
}
STAGES = {
    "open_run": "открытие запуска",
    "preflight": "проверка доступа",
    "list_calls": "список звонков",
    "plan": "прогноз и пачки",
    "download": "скачивание",
    "transcribe": "распознавание",
    "summarize": "саммари",
    "publish": "реестр и отчёт",
    "rebuild": "пересборка текстов",
    "qa": "проверка качества",
    "close_run": "закрытие запуска",
    "portal": "отказы портала",
}
TRIGGERS = {"scheduled": "по расписанию", "manual": "вручную", "backfill": "догрузка", "asset": "по событию"}


def review_reasons(reasons: Iterable[str]) -> str:
    return ", ".join(REVIEW_REASONS.get(reason, reason) for reason in reasons)


def records(quantity: int) -> str:
    return count(quantity, "запись", "записи", "записей")


def status_name(status: str) -> str:
    return STATUSES[RecordStatus(status)]


def error_name(code: str | None) -> str:
    return ERRORS[code][0] if code in ERRORS else (code or "причина не записана")


def error_advice(code: str | None) -> str:
    return ERRORS[code][1] if code in ERRORS else "продолжите запуск"


def call_outcome(outcome: str | None) -> str:
    return CALL_OUTCOMES.get(outcome or _O.NOT_STATED, CALL_OUTCOMES[_O.UNKNOWN])
