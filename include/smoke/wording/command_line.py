"""Russian sentences of `make stt-smoke`."""

from collections.abc import Mapping
from decimal import Decimal

from include.common.errors import ExportError
from include.common.wording import problems
from include.smoke.wording.problems import PROBLEMS

HELP = (
    "Проверить распознаватель плейлистом записей с эталонными текстами. Код выхода: 0 — все записи в пределах порогов, "
    "1 — не прошли записи, 2 — плейлист или настройка не подходят, 3 — ничего не проверено."
)
FILE, FOLDER, NAME, COUNT = "ФАЙЛ", "ПАПКА", "ИМЯ", "ЧИСЛО"
PLAYLIST_HELP = "Плейлист, YAML или JSON; без параметра — STT_SMOKE_PLAYLIST_PATH."
REPORT_HELP = "Куда записать отчёт JSON; рядом лягут Markdown и HTML."
ENGINE_HELP = "Движок: default, stub или имя из include/smoke/policy.yaml; можно повторить."
AGAINST_HELP = "С каким движком сравнить."
FRESH_HELP = "Распознать заново, не беря сохранённые ответы."
LIMIT_HELP = "Не больше записей, с начала плейлиста; 0 — все."
OUT_HELP = "Где лежат ответы, тексты и отчёты."
NO_RECOGNISER = "распознаватель не настроен: задайте OPENAI_API_KEY или OPENAI_BASE_URL"
NO_STUB = (
    "движок stub — имитация, и она не запущена: запускайте через `make stt-smoke` "
    "или задайте STT_STUB_BASE_URL (`python -m simulators hearing`)"
)
NO_CONNECTION = "у движка {engine} нет подключения: задайте {variable}"
SWITCHED_OFF = "STT_MAX_FILE_MINUTES=0 отключает распознавание"
EMPTY_PLAYLIST = "в плейлисте нет записей"
NOT_RECORDED = "итог не записан в базу: {reason}"

_PROBLEMS: Mapping[str, str] = PROBLEMS


def sentence(error: ExportError) -> str:
    return problems.sentence(error, _PROBLEMS)


def refused(error: ExportError) -> str:
    return f"проверка не началась: {sentence(error)}"


def stopped(error: ExportError) -> str:
    return f"проверка остановлена: {sentence(error)}"


def nothing_tested(reason: str) -> str:
    return f"ничего не проверено: {reason}"


def forecast(usd: Decimal, budget: Decimal) -> str:
    return f"прогноз ${usd:.4f} из ${budget:.2f}"


def entry(engine: str, call_id: str, wer: float | None, code: str | None) -> str:
    figure = "" if wer is None else f", WER {100 * wer:.1f} %"
    return f"{engine}: {call_id}{figure}{f' — {code}' if code else ''}"


def done(failed: int, total: int, report: str) -> str:
    good = f"прошли {total - failed} из {total}"
    return f"{good}; отчёт: {report}"
