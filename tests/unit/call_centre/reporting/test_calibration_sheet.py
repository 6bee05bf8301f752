"""The calibration set as a spreadsheet: no cell computes, what people fill in comes back, wrong values are named."""

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from include.call_centre.domain.calibration_items import FilledRow, Item
from include.call_centre.reporting.calibration_sheet import read_sheet, write_sheet, write_spreadsheet
from include.call_centre.steps.load_cards import newest_cards
from include.call_centre.wording.calibration_sheet import HEADINGS
from include.call_centre.wording.quality import sentence
from include.common.errors import BadInput

(CARD,) = newest_cards(["operator_default"])
LONG = "\n".join(f"[00:{number // 60:02}:{number % 60:02}] [Клиент]: слова {number}" for number in range(900))
ITEMS = [
    Item(1, "a", 1, "=HYPERLINK(0)\n[00:00:02] [Оператор]: Добрый день\x0b.", 60.0, "dev", second_rater=False),
    Item(2, "b", 2, LONG, 900.0, "heldout", second_rater=True),
]


def opened(data: bytes) -> tuple[Workbook, Any]:
    book = load_workbook(io.BytesIO(data))
    return book, book.active


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell(sheet: Any, item: int, criterion: str, column: str) -> Any:
    """The cell of this question, found as a person finds it: by the headings."""
    places = {one.value: one.column for one in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        own = sheet.cell(row, places[HEADINGS["item"]]).value, sheet.cell(row, places[HEADINGS["criterion"]]).value
        if own == (item, criterion):
            return sheet.cell(row, places[HEADINGS[column]])
    raise AssertionError(criterion)


def filled(**cells: Any) -> bytes:
    """The first question of the first call with an answer, and with these cells."""
    book, sheet = opened(write_spreadsheet(CARD, ITEMS))
    for column, value in ({"answer": "yes"} | cells).items():
        cell(sheet, 1, CARD.asked[0].id, column).value = value
    return saved(book)


def test_no_cell_computes_and_the_headings_are_russian() -> None:
    data = write_spreadsheet(CARD, ITEMS)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")
    _, sheet = opened(data)
    head, *rows = sheet.iter_rows(values_only=True)
    assert head == tuple(HEADINGS.values())
    text = head.index("текст")
    assert rows[0][text] == "=HYPERLINK(0)\n[00:00:02] [Оператор]: Добрый день."
    assert "\n".join(row[text] for row in rows if row[1] == 2 and row[text]) == LONG, "in parts that a row can show"
    assert [row[2] for row in rows if row[1] == 2][: len(CARD.asked)] == [one.id for one in CARD.asked]


def test_both_kinds_of_table_come_back_with_the_same_answers() -> None:
    first, second = CARD.asked[:2]
    expected = [
        FilledRow(1, first.id, "yes", 2.5, "=тут"),
        FilledRow(2, second.id, "no", None, ""),
    ]
    book, sheet = opened(write_spreadsheet(CARD, ITEMS))
    for column, value in (("answer", " Yes "), ("t", 2.5), ("comment", "'=тут")):
        cell(sheet, 1, first.id, column).value = value
    cell(sheet, 2, second.id, "answer").value = "no"
    assert read_sheet(saved(book), CARD) == expected
    lines = write_sheet(CARD, [Item(1, "a", 1, "слова", 9.0, "dev", second_rater=False), ITEMS[1]]).decode("utf-8-sig")
    table = lines.replace("слова;;;\r\n", "слова;yes;2,5;'=тут\r\n", 1)
    head, tail = table.split(f";2;{second.id};", 1)
    assert read_sheet((head + f";2;{second.id};" + tail.replace(";;;\r\n", ";no;;\r\n", 1)).encode(), CARD) == expected


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"answer": "maybe"}, "ответ"),
        ({"answer": True}, "ответ"),
        ({"item": "первый"}, "звонок"),
        ({"item": 1.5}, "звонок"),
        ({"card": "operator_default v99"}, "карта"),
        ({"criterion": "smiled"}, "критерий"),
        ({"t": "на второй минуте"}, "секунда"),
        ({"t": float(-1)}, "секунда"),
        ({"t": "nan"}, "секунда"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row_and_column(cells: dict[str, Any], column: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_sheet(filled(**cells), CARD)
    assert sentence(caught.value) == (f"строка 2: не подходит значение в столбце {column}; из файла ничего не взято")


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 and nothing of a sheet", filled()[:3000], saved(Workbook()), b"a;b\r\n1;2\r\n"],
    ids=["empty", "no archive", "cut", "an empty book", "other columns"],
)
def test_what_is_no_calibration_sheet_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        read_sheet(data, CARD)
    assert sentence(caught.value) == "файл — не таблица калибровки"


def test_a_sheet_that_unpacks_to_far_more_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = filled()
    assert read_sheet(data, CARD)
    monkeypatch.setattr("include.call_centre.reporting.calibration_sheet._UNPACKED", 1000)
    with pytest.raises(BadInput):
        read_sheet(data, CARD)
