"""The registry as CSV and as XLSX, written in one pass over the rows and in constant memory.

CSV is for programs: UTF-8 with BOM, `;`, CRLF. XLSX is for people: numbers are numbers, times are times in one zone,
phones and ids are text, each text has a link.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any, BinaryIO

from rustpy_xlsxwriter import Format, write_worksheet

from include.calls.domain.registry_row import COLUMNS, NO_MASKS, Masks, RegistryRow, csv_cells, registry_values
from include.calls.wording import registry as words
from include.common.russian_format import zone_name

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINK = "text_link"

_SHEET_ROWS = 1_048_576  # Excel's limit, the header among them
_LONGEST_CELL = 16_000  # characters; Excel takes 32,767 of UTF-16
_OF_ANY_LENGTH = ("from", "to", "employee", "recording_url", "tags")
_TEXTS = ("run_id", "call_id", "record_id", "from", "to", "checksum")
_WIDTHS = {
    "run_id": 14, "call_id": 40, "record_id": 14, "direction": 12, "from": 18, "to": 18, "employee": 28,
    "duration_sec": 15, "recording_url": 32, "transcript_path": 48, "summary_path": 24, "text_preview": 60,
    "transcription_cost": 20, "currency_code": 16, "language": 12, "status": 16, "error_code": 18, "retry_count": 14,
    "checksum": 14, "tags": 24, "roles": 12, "needs_review": 15, "confidence": 14,
    "role_signs": 14, LINK: 12,
}  # fmt: skip


def write_registry(
    rows: Iterable[RegistryRow],
    csv_file: BinaryIO,
    xlsx_file: Path | None,
    *,
    folder: str,
    zone: tzinfo,
    masks: Masks = NO_MASKS,
) -> int:
    """Writes the rows as they come and leaves `csv_file` open; returns how many there were.

    `xlsx_file` is None for the CSV alone. `folder` is the period's (`2025-08-01_2025-08-31`): paths in the files are
    relative to it. `zone` is that of the times in the XLSX file; the CSV keeps the portal's offset of each call.
    """
    text = io.TextIOWrapper(csv_file, encoding="utf-8-sig", newline="", write_through=False)
    written = _Written(csv.writer(text, delimiter=";", lineterminator="\r\n"), rows, folder, masks)
    if xlsx_file is None:
        for _ in written.values():
            pass
    else:
        _write_sheet(written, xlsx_file, zone)
    text.detach()  # flushes; closing it would close the caller's file
    return written.count


class _Written:
    """Gives the values of the rows one by one and writes each as CSV on the way."""

    def __init__(self, writer: Any, rows: Iterable[RegistryRow], folder: str, masks: Masks) -> None:
        self.count = 0
        self._writer, self._rows, self._folder, self._masks = writer, rows, folder, masks

    def values(self) -> Iterator[dict[str, Any]]:
        self._writer.writerow(COLUMNS)
        for row in self._rows:
            values = registry_values(row, self._folder, self._masks)
            self._writer.writerow(csv_cells(values))
            self.count += 1
            yield values


def _write_sheet(written: _Written, file: Path, zone: tzinfo) -> None:
    start = f"datetime_start ({zone_name(zone)})"
    text = Format().set_num_format("@")
    write_worksheet(
        _sheet_rows(written, start, zone),
        file,
        sheet_name=words.SHEET,
        freeze_row=1,
        autofilter=True,
        header_format=Format().set_bold(),
        column_widths={**_WIDTHS, start: len(start) + 4},
        column_formats={
            **dict.fromkeys(_TEXTS, text),
            start: Format().set_num_format("dd.mm.yyyy hh:mm:ss"),
            "transcription_cost": Format().set_num_format("0.0000##"),
            LINK: Format().set_font_color("#0563C1").set_underline(),
        },
        formula_columns={LINK: _link_formula()},
        ignore_errors=list(_TEXTS),  # digits that are text on purpose
    )


def _link_formula() -> str:
    """A link to the row's text, seen from the registry's folder.

    A formula, because a sheet holds at most 65,530 links of the other kind, all in memory. Excel takes 255 characters,
    and reads a name with a percent sign as an escaped one.
    """
    column = COLUMNS.index("transcript_path")
    path = f"{chr(ord('A') + column)}{{row}}"
    link = f'HYPERLINK("../"&SUBSTITUTE({path},"%","%25"),"{words.OPEN}")'
    return f'=IF(OR({path}="",LEN({path})>240),"",{link})'


def _sheet_rows(written: _Written, start: str, zone: tzinfo) -> Iterator[dict[str, Any]]:
    """The values as cells; where the sheet is full, its last row says so and only the CSV goes on."""
    names = [start if name == "datetime_start" else name for name in COLUMNS]
    empty: dict[str, Any] = dict.fromkeys(names)
    most = _SHEET_ROWS - 2  # besides header and sentence
    for values in written.values():
        if written.count <= most:
            cells = dict(zip(names, values.values(), strict=True))
            cells[start] = values["datetime_start"].astimezone(zone).replace(tzinfo=None)
            for name in _OF_ANY_LENGTH:
                cells[name] = cells[name][:_LONGEST_CELL]
            yield cells
        elif written.count == most + 1:
            yield empty | {"run_id": words.sheet_is_full(most)}
    if not written.count:
        yield empty  # the header is made of the first row
