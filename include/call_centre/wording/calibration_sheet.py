"""Russian words of the calibration set as a spreadsheet."""

from collections.abc import Mapping

SHEET = "Калибровка"
HEADINGS: Mapping[str, str] = {
    "card": "карта",
    "item": "звонок",
    "criterion": "критерий",
    "question": "вопрос",
    "choices": "варианты",
    "text": "текст",
    "answer": "ответ",
    "t": "секунда",
    "comment": "комментарий",
}
