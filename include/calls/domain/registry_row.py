"""One row of the registry as text cells: order, formats and safety, without knowing about files.

The format is described for its readers in `docs/specs/call_registry_schema.yaml`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

COLUMNS = (
    "run_id", "call_id", "record_id", "datetime_start", "direction", "from", "to", "employee", "duration_sec",
    "recording_url", "transcript_path", "summary_path", "text_preview", "transcription_cost", "currency_code",
    "language", "status", "error_code", "retry_count", "checksum", "tags", "roles", "needs_review",
)  # fmt: skip
PREVIEW_BYTES = 1024
TEXT_MARK = "'"

_FORMULA = frozenset("=+-@＝＋－＠")
_WHOLE_NUMBER = re.compile(r"\d+")
# What a spreadsheet would rewrite on opening: 007, 1E5, 1.50, 1/2, 12:30, digits beyond the 15 that it keeps.
_QUANTITY = re.compile(r"(?=.*\d)[\d.,:/eE+% -]+")
_TRUTHS = frozenset({"true", "false", "истина", "ложь"})
_KEPT_NUMBER = re.compile(r"0|[1-9]\d{0,14}")
_CUT_NUMBER = re.compile(r"[+(]?\d[\d\s()+-]*$")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A recording as the registry needs it: `call_started_at` in UTC, paths as keys of the storage.

    `text_at` is the last change of text or summary.
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


@dataclass(frozen=True, slots=True)
class Masks:
    """How personal data is hidden: `number` turns one phone number, `text` every number inside a text."""

    number: Callable[[str], str]
    text: Callable[[str], str]


NO_MASKS = Masks(number=str, text=str)


def registry_cells(row: RegistryRow, folder: str, masks: Masks = NO_MASKS) -> list[str]:
    """The row's cells in the order of COLUMNS; `folder` is the period's, such as `2025-08-01_2025-08-31`."""
    started = row.call_started_at.astimezone(timezone(timedelta(seconds=row.portal_offset_sec)))
    return [
        str(row.run_id),
        text_cell(row.call_id),
        text_cell(row.record_id),
        started.isoformat(timespec="seconds"),
        row.direction,
        phone_cell(masks.number(row.from_number)),
        phone_cell(masks.number(row.to_number)),
        text_cell(f"{row.employee_id or ''} {row.employee_name or ''}".strip()),
        str(row.duration_sec),
        text_cell(_unless_masked(row.recording_url or "", masks)),
        relative_path(row.transcript_path, folder),
        relative_path(row.summary_path, folder),
        text_cell(_preview(row.text_preview or "", masks), PREVIEW_BYTES),
        money_cell(row.cost),
        row.currency_code,
        row.language or "",
        row.status,
        row.error_code or "",
        str(row.retry_count),
        row.checksum or "",
        text_cell("|".join(tag.replace("|", "/") for tag in row.tags)),
        row.roles or "",
        "true" if row.needs_review else "false",
    ]


def text_cell(value: str, max_bytes: int | None = None) -> str:
    """`value` such that no spreadsheet takes it for a formula or a number: those get one apostrophe in front.

    Values that begin with an apostrophe themselves get one too, so a reader removes exactly one and has the
    original back. Line ends become LF; other control characters have no business in a table and are dropped.
    """
    clean = _UNPRINTABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    # A blank or a line end in front does not stop every spreadsheet from reading on.
    first = clean.lstrip()[:1]
    risky = first in _FORMULA or first == TEXT_MARK or clean[:1] in ("\t", "\n")
    rewritten = clean.lower() in _TRUTHS or (_QUANTITY.fullmatch(clean) and not _KEPT_NUMBER.fullmatch(clean))
    marked = TEXT_MARK + clean if risky or rewritten else clean
    return marked if max_bytes is None else marked.encode()[:max_bytes].decode(errors="ignore")


def phone_cell(number: str) -> str:
    """A phone number is text, never a quantity: `74951234567` would be shown as 7.5E+10, `+7...` as a sum."""
    return TEXT_MARK + number if _WHOLE_NUMBER.fullmatch(number) else text_cell(number)


def original_text(cell: str) -> str:
    """What `text_cell` and `phone_cell` were given, control characters and cutting apart."""
    return cell.removeprefix(TEXT_MARK)


def money_cell(amount: Decimal | None) -> str:
    """Dot decimals, four at least and six at most: two would turn $0.0045 into nothing (D25)."""
    if amount is None:
        return ""
    whole, _, fraction = f"{amount:.6f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(4, '0')}"


def relative_path(key: str | None, folder: str) -> str:
    """The storage key seen from the period's folder: `transcripts/call_1.txt`, `../../transcripts/2025/08/01/...`."""
    if not key:
        return ""
    own = f"exports/{folder}/"
    return key.removeprefix(own) if key.startswith(own) else f"../../{key}"


def _preview(text: str, masks: Masks) -> str:
    """The text was cut to its size, perhaps inside a number: a mask would not know the rest of one."""
    if masks is NO_MASKS:
        return text
    was_cut = len(text.encode()) > PREVIEW_BYTES - 4  # the last character may have taken four bytes
    return masks.text(_CUT_NUMBER.sub("", text) if was_cut else text)


def _unless_masked(url: str, masks: Masks) -> str:
    # A link with starred-out digits leads nowhere: better none than a wrong one.
    return url if masks.text(url) == url else ""
