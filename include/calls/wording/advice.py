"""Russian sentences of the report's advice. `include/calls/reporting/advice.py` decides which of them apply."""

from decimal import Decimal
from uuid import UUID

from include.calls.wording.codes import error_advice, error_name, records
from include.common.errors import ErrorCode
from include.common.russian_format import count, hours, number, percent

NOTHING = "Делать ничего не нужно: все записи с текстом, суммы и сроки в норме."
REGISTRY_DIFFERS = "Реестр не сходится со списком этого запуска: покажите журнал запуска разработчику."
ABOVE_BUDGET = "Расход выше бюджета запуска (BUDGET_USD): согласуйте бюджет или отключите саммари."


def resume(run_id: UUID, failed_step: str | None) -> str:
    """After a stop, or after the failure of a step that every call depends on."""
    what = f"Не выполнен шаг {failed_step}" if failed_step else "Запуск остановлен"
    return f"{what}, причина названа в итоге: исправьте её и продолжите: make resume RUN_ID={run_id}"


def list_again(portal_total: int, listed: int) -> str:
    return (
        f"Портал насчитал {count(portal_total, 'звонок', 'звонка', 'звонков')}, учтено {number(listed)}. Выгрузите "
        "период ещё раз: купленные тексты повторно не оплачиваются."
    )


def clock_differs(offset_sec: float) -> str:
    """`offset_sec`: by how much the portal's clock is ahead."""
    where = "спешат" if offset_sec > 0 else "отстают"
    return (
        f"Часы портала {where} на {number(abs(offset_sec) / 60)} мин: время звонков в реестре — портала, звонки у "
        "границ периода попадают в соседний период. Поставьте на портале точное время."
    )


def unreadable_rows(rows: int) -> str:
    sent = count(rows, "непонятную строку", "непонятные строки", "непонятных строк")
    return f"Портал прислал {sent}: покажите журнал запуска разработчику."


def partly_read_rows(rows: int) -> str:
    read = count(rows, "строка портала понята", "строки портала поняты", "строк портала поняты")
    return f"{read} не полностью (направление «не определено»): покажите журнал запуска разработчику."


def without_text(recordings: int, run_id: UUID) -> str:
    return f"Без текста {records(recordings)}, где он должен быть. Продолжить: make resume RUN_ID={run_id}"


def frequent_error(error_code: str | None, calls: int) -> str:
    return f"Частая ошибка — {error_name(error_code)} ({number(calls)}): {error_advice(error_code)}."


def lost_on_portal(recordings: int) -> str:
    return (
        f"Пропавших на портале записей — {number(recordings)}: {error_advice(ErrorCode.MISSING_AUDIO)} и "
        "выгружайте чаще, чем записи удаляются."
    )


def other_content(recordings: int) -> str:
    return (
        f"При повторном скачивании портал отдал {records(recordings)} с другим содержимым (контрольная сумма не "
        "совпала): распознано новое; номера — в журнале запуска."
    )


def late_recordings(calls: int) -> str:
    talks = count(calls, "разговор", "разговора", "разговоров")
    return f"{talks} без записи: если портал ещё выложит её, следующий запуск с этим периодом заберёт её сам."


def dead_letters(recordings: int) -> str:
    return f"В очереди разбора (DLQ) {records(recordings)}: заведите задачу на каждую причину и известите заказчика."


def durations_differ(drift: Decimal) -> str:
    return (
        f"Длительность расходится с порталом на {percent(drift)}: сверьте с порталом записи из раздела "
        "о длительности, начиная с первой."
    )


def listen_to_flagged(recordings: int) -> str:
    return f"Прослушайте {records(recordings)} с пометкой «проверить» (needs_review = true в реестре)."


def channels_swapped(phone_line: str, swapped: int, calls: int, channel: str, run_id: UUID) -> str:
    """`channel` is where the operator of this phone line seems to be."""
    return (
        f"На линии {phone_line} похоже перепутаны каналы: в {number(swapped)} из {number(calls)} входящих первым "
        "здоровается или называет компанию «клиент». Впишите в include/calls/policy.yaml, "
        f'stt.channel_map: "{phone_line}": {channel}, '
        f"затем make rebuild RUN_ID={run_id} LINE={phone_line} — платить не придётся."
    )


def record_in_stereo(share: float) -> str:
    return (
        f"В {percent(share, 0)} текстов не видно, кто говорит: записи одноканальные. Включите "
        "на портале стереозапись или задайте модель, различающую голоса (STT_MODEL)."
    )


def files_missing(texts: int) -> str:
    files = count(texts, "текста", "текстов", "текстов")
    return f"В хранилище нет файлов {files}: выясните, кто их удаляет, и выгрузите период ещё раз."


def quality_issues(issues: int, checked: int, most: float) -> str:
    """`most` is the share of listened texts that may have an issue."""
    return (
        f"Проверка качества: замечания у {number(issues)} из {number(checked)} прослушанных записей, порог "
        f"{percent(most, 0)}. Заведите задачу по замечаниям из раздела выборки."
    )


def over_forecast(share: Decimal) -> str:
    return f"Потрачено на {percent(share, 0)} больше прогноза: сверьте тариф модели и длительность записей."


def too_slow(seconds: float, sla_hours: float, slots: int) -> str:
    return (
        f"Выгрузка шла {hours(seconds)} при норме {number(sla_hours)} ч: поднимите TRANSCRIBE_CONCURRENCY "
        f"(сейчас {slots})."
    )


def spare_the_portal(refusals: int) -> str:
    times = count(refusals, "раз", "раза", "раз")
    return f"Портал отказывал {times}: выгружайте ночью или с LOW_RATE=true."
