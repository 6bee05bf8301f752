"""Russian words of the Markdown report and of the page of alignments."""

from include.common.russian_format import count

TITLE = "Проверка распознавателя: {playlist}"
STUB = "**Это имитация распознавателя, а не проверка качества: движок stub.**"
ABOUT = "Проверка {smoke_id}, {at} UTC; плейлист {playlist}, {start} — {end}; нормализация {normaliser}."
ALL_GOOD = "Все записи в пределах порогов."
SOME_FAILED = "Не прошли: {failed} из {total}."
ENGINES = "## Движки"
ENGINES_HEAD = ("движок", "модель", "записей", "не прошли", "WER", "WER без чисел и междометий", "CER", "прошлый WER",
                "минут", "стоит, $", "потрачено, $", "запросов", "секунд на минуту")  # fmt: skip
ENTRIES = "## Записи"
ENTRIES_HEAD = ("движок", "звонок", "запись", "итог", "WER", "CER", "роли", "слов", "ошибок", "флаги")
FAILURES = "## Что не прошло"
CHECKS = "Проверьте"
WORST = "## Худшие выравнивания"
WORST_NOTE = "[эталон → распознано]; −слово пропущено, +слово лишнее."
COMPARED = "## {first} и {second}"
DIFFERENCE = "Разница WER ({second} минус {first}): {difference}, 95 % — от {low} до {high}."
BETTER = "Лучше {engine}: ноль вне интервала."
NO_DIFFERENCE = "Разница не показана: звонков {calls}."
COMPARISON_HEAD = ("звонок", "WER {first}", "WER {second}", "слышал только {first}", "слышал только {second}")
MONEY = "Деньги и время: {first} — ${first_cost}, {first_seconds} с; {second} — ${second_cost}, {second_seconds} с."
POINTS = "{points} п. п."
GOOD, BAD = "прошла", "не прошла"
NONE = "—"


def entries(quantity: int) -> str:
    return count(quantity, "запись", "записи", "записей")
