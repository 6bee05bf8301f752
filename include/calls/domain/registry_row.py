"""One row of the registry: its values, and the text cells of the CSV form. Files are written elsewhere.

The format is described for its readers in `docs/specs/call_registry_schema.yaml`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from include.common.spreadsheet_cells import formula_safe, plain_text

COLUMNS = (
    "run_id", "call_id", "record_id", "datetime_start", "direction", "from", "to", "employee", "duration_sec",
    "recording_url", "transcript_path", "summary_path", "text_preview", "transcription_cost", "currency_code",
    "language", "status", "error_code", "retry_count", "checksum", "tags", "roles", "needs_review",
    "confidence", "role_signs",
)  # fmt: skip
# Programs join by these: they are never changed.
KEYS = frozenset({"run_id", "call_id", "record_id", "checksum"})
PREVIEW_BYTES = 1024

Value = str | int | bool | Decimal | datetime | None

_CUT_NUMBER = re.compile(r"[+(]?\d[\d\s()+-]*$")


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A recording as the registry needs it: `call_started_at` in UTC, paths as keys of the storage.

    `text_at` is the last change of text or summary. `confidence` is the recogniser's own, 0 to 1; `role_signs` decided
    on the roles `evidence`.
    """

    run_id: UUID
    call_id: str
    record_id: str
    call_started_at: datetime
    portal_offset_sec: int
    direction: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    duration_sec: int
    recording_url: str | None
    transcript_path: str | None
    summary_path: str | None
    text_at: datetime | None
    text_preview: str | None
    cost: Decimal | None
    currency_code: str
    language: str | None
    status: str
    error_code: str | None
    retry_count: int
    checksum: str | None
    tags: Sequence[str]
    roles: str | None
    needs_review: bool
    confidence: Decimal | None
    role_signs: int | None


@dataclass(frozen=True, slots=True)
class Masks:
    """How personal data is hidden: `number` turns one phone number, `text` every number inside a text."""

    number: Callable[[str], str]
    text: Callable[[str], str]


NO_MASKS = Masks(number=str, text=str)


def registry_values(row: RegistryRow, folder: str, masks: Masks = NO_MASKS) -> dict[str, Value]:
    """The row's values by column, in the order of COLUMNS; the start has the portal's offset.

    `folder` is the period's, such as `2025-08-01_2025-08-31`: paths are relative to it.
    """
    return {
        "run_id": str(row.run_id),
        "call_id": row.call_id,
        "record_id": row.record_id,
        "datetime_start": row.call_started_at.astimezone(_offset(row.portal_offset_sec)),
        "direction": row.direction,
        "from": plain_text(masks.number(row.from_number)),
        "to": plain_text(masks.number(row.to_number)),
        "employee": plain_text(f"{row.employee_id or ''} {row.employee_name or ''}".strip()),
        "duration_sec": row.duration_sec,
        "recording_url": plain_text(_unless_masked(row.recording_url or "", masks)),
        "transcript_path": relative_path(row.transcript_path, folder),
        "summary_path": relative_path(row.summary_path, folder),
        "text_preview": _shortened(plain_text(_preview(row.text_preview or "", masks))),
        "transcription_cost": row.cost,
        "currency_code": row.currency_code,
        "language": row.language,
        "status": row.status,
        "error_code": row.error_code,
        "retry_count": row.retry_count,
        "checksum": row.checksum,
        "tags": plain_text("|".join(tag.replace("|", "/") for tag in row.tags)),
        "roles": row.roles,
        "needs_review": row.needs_review,
        "confidence": row.confidence,
        "role_signs": row.role_signs,
    }


def csv_cells(values: Mapping[str, Any]) -> list[str]:
    """The values as text. A cell is changed only where a spreadsheet would compute it, and a key never is."""
    return [as_cell(value) for as_cell, value in zip(_CSV_CELLS, values.values(), strict=True)]


def money_cell(amount: Decimal) -> str:
    """Dot decimals, four at least and six at most: with two, $0.0045 would be nothing."""
    whole, _, fraction = f"{amount:.6f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(4, '0')}"


def relative_path(key: str | None, folder: str) -> str:
    """The storage key seen from the period's folder: `transcripts/call_1.txt`, `../../transcripts/2025/08/01/...`."""
    if not key:
        return ""
    own = f"exports/{folder}/"
    if key.startswith(own):
        return key.removeprefix(own)
    return f"../{key.removeprefix('exports/')}" if key.startswith("exports/") else f"../../{key}"


def _code(value: str | None) -> str:
    return value or ""


def _cost(value: Decimal | None) -> str:
    return "" if value is None else money_cell(value)


def _optional_number(value: Decimal | int | None) -> str:
    return "" if value is None else str(value)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _start(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def _preview_cell(value: str) -> str:
    return _shortened(formula_safe(value))  # the mark counts, too


def _shortened(text: str) -> str:
    return text.encode()[:PREVIEW_BYTES].decode(errors="ignore")


def _preview(text: str, masks: Masks) -> str:
    """The text was cut to its size, perhaps inside a number: a mask would not recognise the rest of it."""
    if masks is NO_MASKS:
        return text
    was_cut = len(text.encode()) > PREVIEW_BYTES - 4  # the last character may have taken four bytes
    return masks.text(_CUT_NUMBER.sub("", text) if was_cut else text)


def _unless_masked(url: str, masks: Masks) -> str:
    """Empty where the mask would change it: a link with hidden digits leads nowhere."""
    return url if masks.text(url) == url else ""


_BY_COLUMN: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(COLUMNS, _code),  # keys, paths and our own codes
    **dict.fromkeys(("from", "to", "employee", "recording_url", "tags"), formula_safe),
    **dict.fromkeys(("duration_sec", "retry_count"), str),
    "datetime_start": _start,
    "text_preview": _preview_cell,
    "transcription_cost": _cost,
    "needs_review": _truth,
    "confidence": _optional_number,
    "role_signs": _optional_number,
}
_CSV_CELLS = tuple(_BY_COLUMN.values())  # in the order of COLUMNS


@cache
def _offset(seconds: int) -> timezone:
    return timezone(timedelta(seconds=seconds))
