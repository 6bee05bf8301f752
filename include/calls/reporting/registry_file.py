"""The registry file: UTF-8 with BOM (Excel needs it for Cyrillic), `;`, CRLF, one row after another."""

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from include.calls.domain.registry_row import COLUMNS, NO_MASKS, Masks, RegistryRow, registry_cells


def write_registry(rows: Iterable[RegistryRow], out: BinaryIO, *, folder: str, masks: Masks = NO_MASKS) -> int:
    """Writes the rows as they come, whatever their number, and leaves `out` open; returns how many there were.

    `folder` is the period's (`2025-08-01_2025-08-31`): paths in the file are relative to it.
    """
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(registry_cells(row, folder, masks))
        count += 1
    text.detach()  # flushes; closing it would close the caller's file
    return count
