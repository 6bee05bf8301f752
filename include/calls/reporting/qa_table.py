"""The QA sample as a table for a spreadsheet, in the registry's format; analysts fill it in."""

import csv
import io
from collections.abc import Iterable
from datetime import timedelta, timezone
from uuid import UUID

from include.calls.domain.registry_row import relative_path
from include.calls.domain.report_figures import QaItem
from include.calls.wording import codes
from include.common import russian_format as ru
from include.common.errors import BadInput
from include.common.spreadsheet_cells import kept_as_text

COLUMNS = (
    "run_id", "call_id", "record_id", "datetime_start", "direction", "length", "language", "roles", "flags",
    "transcript_path", "result", "comment",
)  # fmt: skip


def write_sample(items: Iterable[QaItem], run_id: UUID, *, folder: str) -> bytes:
    """UTF-8 with BOM, `;`, CRLF; `result` and `comment` hold what is known already. `folder` is the period's."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in items:
        flags = codes.review_reasons(item.review_reasons)
        started = item.call_started_at.astimezone(timezone(timedelta(seconds=item.portal_offset_sec)))
        writer.writerow([
            str(run_id), kept_as_text(item.call_id), kept_as_text(item.record_id),
            started.isoformat(timespec="seconds"), item.direction,
            ru.clock(item.audio_sec), item.language or "", item.roles or "", kept_as_text(flags),
            relative_path(item.transcript_path, folder), item.result or "", kept_as_text(item.comment),
        ])  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def read_sample(data: bytes) -> list[dict[str, str]]:
    """The rows of a filled-in table as a spreadsheet saves it: UTF-8 or Windows' Cyrillic; `;`, `,` or tab.

    Raises BadInput for what is no such table.
    """
    text = _decoded(data)
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
        rows = [{name: value for name, value in row.items() if isinstance(name, str)} for row in reader]
    except csv.Error as error:
        raise BadInput(f"the file is no CSV table: {error}", problem="qa_no_table") from None
    return [row for row in rows if any(row.values())]


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInput("the file is no text", problem="qa_no_text")
