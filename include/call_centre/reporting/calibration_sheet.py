"""The calibration set as a table that people fill in: one row for each question of each call, nothing of the judge."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from include.call_centre.domain.calibration_items import FilledRow, Item
from include.call_centre.domain.scorecards import Scorecard
from include.common.errors import BadInput
from include.common.spreadsheet_cells import kept_as_text, original_text

COLUMNS = ("card", "item", "criterion", "question", "choices", "text", "answer", "t", "comment")


def write_sheet(card: Scorecard, items: Iterable[Item]) -> bytes:
    """UTF-8 with BOM, `;`, CRLF. The text stands in the first row of its call."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    name = f"{card.card} v{card.version}"
    for item in items:
        for place, one in enumerate(card.asked):
            text = kept_as_text(item.body) if place == 0 else ""
            choices = " | ".join(one.choices)
            writer.writerow([name, item.item_no, one.id, kept_as_text(one.question), choices, text, "", "", ""])
    return out.getvalue().encode("utf-8-sig")


def read_sheet(data: bytes, card: Scorecard) -> list[FilledRow]:
    """The rows with an answer. Raises BadInput that names the row; then nothing of the table is taken."""
    rows = list(_rows(data))
    if not rows or not {"card", "item", "criterion", "answer"} <= rows[0].keys():
        raise BadInput("the file is no calibration sheet", problem="sheet_no_table")
    return [_filled(number, row, card) for number, row in enumerate(rows, start=2) if (row.get("answer") or "").strip()]


def _rows(data: bytes) -> Iterable[Mapping[str, Any]]:
    """As a spreadsheet saves it: UTF-8 or Windows' Cyrillic; `;`, `,` or tab."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1251", "replace")
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    try:
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True))
    except csv.Error as error:
        raise BadInput(f"the file is no CSV table: {error}", problem="sheet_no_table") from None


def _filled(number: int, row: Mapping[str, Any], card: Scorecard) -> FilledRow:
    criterion = card.criterion(str(row["criterion"]).strip())
    answer = str(row["answer"]).strip().lower()
    problem = None
    if str(row["card"]).strip() != f"{card.card} v{card.version}":
        problem = "card"
    elif criterion is None or criterion.rule is not None:
        problem = "criterion"
    elif answer not in criterion.choices:
        problem = "answer"
    t = str(row.get("t") or "").strip().replace(",", ".")
    try:
        item_no, place = int(row["item"]), float(t) if t else None
    except ValueError:
        problem, item_no, place = problem or "item", 0, None
    if problem or criterion is None:
        raise BadInput(f"row {number}: {problem} is not of this card", problem="sheet_row", row=number, column=problem)
    return FilledRow(item_no, criterion.id, answer, place, original_text(str(row.get("comment") or ""))[:1000])
