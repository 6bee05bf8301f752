"""Russian words of the registry's XLSX form. Its columns have the names of the CSV form."""

from include.common.russian_format import number

SHEET = "Звонки"
OPEN = "открыть"


def sheet_is_full(rows: int) -> str:
    return f"Здесь первые {number(rows)} строк: больше в лист Excel не помещается. Все строки — в файле CSV рядом."
