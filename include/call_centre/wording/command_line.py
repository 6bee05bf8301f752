"""Russian words of `python -m jobs.quality`."""

from include.call_centre.wording.quality import sentence
from include.common.errors import ExportError
from include.common.russian_format import count

HELP = "Оценка звонков: запустить, наборы для калибровки, калибровка, таблица оценок."
SCORE_HELP = "Запустить оценку текстов, у которых её нет."
CALIBRATE_HELP = "Ответы модели на набор калибровки и цифры согласия с людьми."
SHEET_HELP = "Набор калибровки таблицей: XLSX или CSV, по расширению файла."
VERDICTS_HELP = "Прочесть заполненный набор: весь или ничего."
EXPORT_HELP = "Оценки периода таблицей: CSV для программ, XLSX для людей, по расширению файла."
DAY, NAME, COUNT, FILE = "ДЕНЬ", "ИМЯ", "ЧИСЛО", "ФАЙЛ"
FROM_HELP = "Первый день звонков: 2026-11-01."
TO_HELP = "Последний день, включительно."
CARD_HELP = "Карта, например operator_default."
LIMIT_HELP = "Не больше текстов; 0 — все."
WAIT_HELP = "Включить DAG и дождаться конца запуска."
DRY_RUN_HELP = "Только прогноз."
PROVIDER_HELP = "Провайдер из таблицы маршрутов; пусто — первый."
REPEATS_HELP = "Сколько раз спросить об одном: видно, как часто ответ меняется."
COUNT_HELP = "Сколько звонков в наборе."
OUT_HELP = "Куда записать."
FILE_HELP = "Заполненная таблица."
BY_HELP = "Кто оценивал."


def refused(error: ExportError) -> str:
    return f"Отказано: {sentence(error)}."


def started(link: str) -> str:
    return f"Запущено: {link}"


def verdicts_taken(rows: int) -> str:
    return f"Прочитано {count(rows, 'ответ', 'ответа', 'ответов')}."


def sheet_written(items: int, file: str) -> str:
    return f"В наборе {count(items, 'звонок', 'звонка', 'звонков')}, записано в {file}."


def scores_written(rows: int, file: str) -> str:
    return f"{count(rows, 'оценка', 'оценки', 'оценок')} записано в {file}."
