"""Scores as a table, by the rules of the registry: CSV for programs, XLSX for people, from the same rows."""

import csv
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.call_centre.domain.exported_score import ExportedScore
from include.common.spreadsheet_cells import formula_safe, plain_text

COLUMNS = (
    "call_id", "record_id", "datetime_start", "employee_id", "employee", "card", "version", "status", "score",
    "judged_score", "coverage", "passed", "calibrated", "needs_review", "review_reasons", "open_disputes", "why_not",
    "provider", "model", "cost_usd", "answers",
)  # fmt: skip
_NEVER_CHANGED = frozenset({"call_id", "record_id"})  # programs join by them
_TEXTS = ("call_id", "record_id", "employee_id")


def write_scores(rows: Iterable[ExportedScore], file: Path, zone: tzinfo) -> int:
    """`.xlsx` is a sheet with times in `zone`, anything else a CSV with UTC; returns how many rows."""
    if file.suffix.lower() == ".xlsx":
        return _write_sheet(rows, file, zone)
    written = 0
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([_cell(name, value) for name, value in _values(row).items()])
            written += 1
    return written


def _write_sheet(rows: Iterable[ExportedScore], file: Path, zone: tzinfo) -> int:
    from rustpy_xlsxwriter import Format, write_worksheet  # noqa: PLC0415  CSV needs no such library

    written = 0

    def cells() -> Iterator[dict[str, Any]]:
        nonlocal written
        for row in rows:
            written += 1
            values = {name: _sheet_cell(value) for name, value in _values(row).items()}
            yield values | {"datetime_start": row.started_at.astimezone(zone).replace(tzinfo=None)}
        if not written:
            yield dict.fromkeys(COLUMNS)  # the header is made of the first row

    text = Format().set_num_format("@")
    write_worksheet(
        cells(),
        file,
        sheet_name="scores",
        freeze_row=1,
        autofilter=True,
        header_format=Format().set_bold(),
        column_formats={
            **dict.fromkeys(_TEXTS, text),
            "datetime_start": Format().set_num_format("dd.mm.yyyy hh:mm:ss"),
        },
        ignore_errors=list(_TEXTS),  # digits that are text on purpose
    )
    return written


def _values(row: ExportedScore) -> dict[str, Any]:
    return {
        "call_id": row.call_id,
        "record_id": row.record_id,
        "datetime_start": row.started_at.isoformat(timespec="seconds"),
        "employee_id": row.employee_id or "",
        "employee": row.employee_name or "",
        "card": row.card,
        "version": row.card_version,
        "status": row.status,
        "score": row.score,
        "judged_score": row.judged_score,
        "coverage": row.coverage,
        "passed": "" if row.passed is None else str(row.passed).lower(),
        "calibrated": str(row.calibration == "pass").lower(),
        "needs_review": str(row.needs_review).lower(),
        "review_reasons": ", ".join(row.review_reasons),
        "open_disputes": row.open_disputes,
        "why_not": row.error_code or "",
        "provider": row.provider,
        "model": row.model,
        "cost_usd": row.cost,
        "answers": "; ".join(f"{name}={answer}" for name, answer in sorted((row.answers or {}).items())),
    }


def _cell(name: str, value: Any) -> Any:
    """In the CSV a text is changed only where a spreadsheet would compute it, and ids never."""
    if not isinstance(value, str):
        return "" if value is None else value
    return plain_text(value) if name in _NEVER_CHANGED else formula_safe(plain_text(value))


def _sheet_cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return plain_text(value) if isinstance(value, str) else value
