"""The calibration set as a table that people fill in: one row for each question of each call, nothing of the judge.

CSV and XLSX have the same columns; those of the sheet have Russian headings. Either is read back, with either headings.
"""

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from include.call_centre.domain.calibration_items import FilledRow, Item
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.wording import calibration_sheet as words
from include.common.errors import BadInput
from include.common.spreadsheet_cells import kept_as_text, original_text, plain_text

COLUMNS = tuple(words.HEADINGS)
_WANTED = frozenset({"card", "item", "criterion", "answer"})
_NAMES: Mapping[str, str] = {heading: name for name, heading in words.HEADINGS.items()}
# A row of a sheet shows at most 409 points: so many lines of so many characters. A longer text goes on in the next row.
_LINES, _LINE = 24, 95
_UNPACKED = 200_000_000  # bytes of a sheet that is read
_WIDTHS: Mapping[str, int] = {"question": 50, "choices": 22, "text": 100, "comment": 40}
_LATEST = 1_000_000  # seconds: what is no place in a call
_ZIP = b"PK\x03\x04"


def write_sheet(card: Scorecard, items: Iterable[Item]) -> bytes:
    """CSV: UTF-8 with BOM, `;`, CRLF. The text stands in the first row of its call."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    name = _name(card)
    for item in items:
        for place, one in enumerate(card.asked):
            text = kept_as_text(item.body) if place == 0 else ""
            choices = " | ".join(one.choices)
            writer.writerow([name, item.item_no, one.id, kept_as_text(one.question), choices, text, "", "", ""])
    return out.getvalue().encode("utf-8-sig")


def write_spreadsheet(card: Scorecard, items: Iterable[Item]) -> bytes:
    """XLSX: every cell is of the kind text, so none computes. A long text goes on in the next rows of its call."""
    from rustpy_xlsxwriter import Format, write_worksheet  # noqa: PLC0415  CSV needs no such library

    out = io.BytesIO()
    shown = words.HEADINGS
    text = Format().set_num_format("@").set_align("top")
    wrapped = Format().set_num_format("@").set_align("top").set_text_wrap()
    write_worksheet(
        [{shown[name]: value for name, value in row.items()} for row in _sheet_rows(card, items)],
        out,
        sheet_name=words.SHEET,
        freeze_row=1,
        header_format=Format().set_bold(),
        column_widths={shown[name]: width for name, width in _WIDTHS.items()},
        column_formats={
            **{shown[name]: text for name in COLUMNS},
            **{shown[name]: wrapped for name in ("question", "text")},
        },
    )
    return out.getvalue()


def _sheet_rows(card: Scorecard, items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    empty: dict[str, Any] = dict.fromkeys(COLUMNS)
    found = False
    for item in items:
        found = True
        parts = list(_parts(plain_text(item.body)))
        for place in range(max(len(parts), len(card.asked))):
            row = empty | {"card": _name(card), "item": item.item_no}
            if place < len(parts):
                row["text"] = parts[place]
            if place < len(card.asked):
                one = card.asked[place]
                row |= {"criterion": one.id, "question": one.question, "choices": " | ".join(one.choices)}
            yield row
    if not found:
        yield empty  # the headings are made of the first row


def _parts(body: str) -> Iterator[str]:
    """What a row shows, cut between turns."""
    part: list[str] = []
    used = 0
    for turn in body.splitlines():
        for start in range(0, max(1, len(turn)), _LINES * _LINE):
            piece = turn[start : start + _LINES * _LINE]
            lines = max(1, math.ceil(len(piece) / _LINE))
            if part and used + lines > _LINES:
                yield "\n".join(part)
                part, used = [], 0
            part.append(piece)
            used += lines
    yield "\n".join(part)


def _name(card: Scorecard) -> str:
    return f"{card.card} v{card.version}"


def read_sheet(data: bytes, card: Scorecard) -> list[FilledRow]:
    """The rows with an answer, of either kind of file. Raises BadInput that names the row; then nothing is taken."""
    head, *rows = _sheet_cells(data) if data.startswith(_ZIP) else _csv_cells(data)
    columns = [_NAMES.get(_text(heading).lower(), _text(heading)) for heading in head]
    if not rows or not set(columns) >= _WANTED:
        raise _no_table("columns or rows are missing")
    shown = dict(zip(columns, map(_text, head), strict=True))
    found = []
    for number, row in enumerate(rows, start=2):
        values = dict(zip(columns, map(_text, row), strict=False))
        if values.get("answer"):
            found.append(_filled(number, values, card, shown))
    return found


def _csv_cells(data: bytes) -> list[Sequence[Any]]:
    """As a spreadsheet saves it: UTF-8 or Windows' Cyrillic; `;`, `,` or tab."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1251", "replace")
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)) or [[]]
    except csv.Error as error:
        raise _no_table(str(error)) from None


def _sheet_cells(data: bytes) -> list[Sequence[Any]]:
    """Of the first sheet; a formula is what its spreadsheet last computed."""
    from openpyxl import load_workbook  # noqa: PLC0415  CSV needs no such library

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(each.file_size for each in packed.infolist())
        if size > _UNPACKED:
            raise ValueError(f"{size} bytes unpacked")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows: list[Sequence[Any]] = list(book.worksheets[0].iter_rows(values_only=True))
        book.close()
    except Exception as error:  # each kind of damage has its own
        raise _no_table(f"{type(error).__name__}: {error}") from None
    return rows or [[]]


def _text(cell: Any) -> str:
    """A number that a spreadsheet keeps as 7.0 is 7."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _filled(number: int, row: Mapping[str, str], card: Scorecard, shown: Mapping[str, str]) -> FilledRow:
    criterion = card.criterion(row.get("criterion", ""))
    answer = row["answer"].lower()
    item_no, place = _whole(row.get("item", "")), _seconds(row.get("t", ""))
    problem = None
    if row.get("card") != _name(card):
        problem = "card"
    elif criterion is None or criterion.rule is not None:
        problem = "criterion"
    elif answer not in criterion.choices:
        problem = "answer"
    elif item_no is None:
        problem = "item"
    elif row.get("t") and place is None:
        problem = "t"
    if problem or criterion is None or item_no is None:
        column = shown[problem or "item"]
        raise BadInput(f"row {number}: {column} is not of this card", problem="sheet_row", row=number, column=column)
    return FilledRow(item_no, criterion.id, answer, place, original_text(row.get("comment", ""))[:1000])


def _whole(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None


def _seconds(value: str) -> float | None:
    try:
        found = float(value.replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 <= found < _LATEST else None


def _no_table(why: str) -> BadInput:
    return BadInput(f"the file is no calibration sheet: {why}", problem="sheet_no_table")
