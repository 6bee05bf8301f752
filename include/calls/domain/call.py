"""Our call from their row: what `voximplant.statistic.get` says, checked and typed.

Facts about the fields: vendor documentation of `voximplant.statistic.get` and the portal's core.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from include.common.errors import BadRow


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    CALLBACK = "callback"
    INFO = "info"


# CALL_TYPE 3 is an incoming call with redirection: still inbound.
_DIRECTIONS = {
    "1": Direction.OUTBOUND,
    "2": Direction.INBOUND,
    "3": Direction.INBOUND,
    "4": Direction.CALLBACK,
    "5": Direction.INFO,
}

_BIGGEST_ID = 2**63 - 1
_LONGEST_CALL_SEC = 2**31 - 1
_LONGEST_CALL_ID = 500  # the portal keeps 255; an index of the state takes no more than some 2,700 bytes


@dataclass(frozen=True, slots=True)
class PortalCall:
    """One row of the portal's call statistics.

    `started_at` keeps the portal's own offset. `recording_url` is cut (no query, no credentials);
    the full link is a secret and is asked for again right before each download (D27).
    """

    statistics_id: int
    call_id: str
    record_id: str
    started_at: datetime
    direction: Direction
    portal_number: str
    phone_number: str
    employee_id: str | None
    duration_sec: int
    failed_code: str
    has_recording: bool
    file_id: int | None
    recording_url: str | None
    portal_transcript_id: str | None

    @property
    def from_number(self) -> str:
        """Who called: the client's number of an inbound call, our line of any other."""
        return self.phone_number if self.direction is Direction.INBOUND else self.portal_number

    @property
    def to_number(self) -> str:
        return self.portal_number if self.direction is Direction.INBOUND else self.phone_number


def record_id_of(file_id: int | None, record_url: str | None, statistics_id: int) -> str:
    """The recording's name (D8): file id, else `url-` + 16 hex of the URL's SHA-256, else `none-` + row id."""
    if file_id is not None:
        return str(file_id)
    if record_url:
        return "url-" + hashlib.sha256(record_url.encode()).hexdigest()[:16]
    return f"none-{statistics_id}"


def without_secrets(url: str) -> str | None:
    """The link without query, fragment and credentials; None where it is no http(s) link.

    A webhook's token sits in the path of `/rest/...` links, so of those only the host remains.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = "/" if parts.path.startswith("/rest/") else parts.path
    return urlunsplit((parts.scheme, parts.hostname + port, path, "", ""))


def call_from_row(row: Mapping[str, Any]) -> PortalCall:
    """Reads one row; numbers may come as strings or numbers, absent values as null, "", {} or not at all.

    Raises BadRow naming the field and the row's ID when a field that the export cannot do without is unusable.
    """
    statistics_id = _whole(row, "ID", required=True)
    assert statistics_id is not None
    call_id = _text(row, "CALL_ID")
    if not call_id:
        raise BadRow(f"row {statistics_id} of the call statistics has no CALL_ID")
    if len(call_id) > _LONGEST_CALL_ID:
        raise BadRow(f"row {statistics_id}: CALL_ID has {len(call_id)} characters, no portal makes such")
    file_id = _whole(row, "RECORD_FILE_ID") or None
    if file_id is None and _text(row, "RECORD_FILE_ID") not in ("", "0"):
        raise BadRow(f"row {statistics_id}: RECORD_FILE_ID is no number")  # no recording would hide one
    url = _text(row, "CALL_RECORD_URL") or None
    direction = _DIRECTIONS.get(_text(row, "CALL_TYPE"))
    if direction is None:
        raise BadRow(f"row {statistics_id}: CALL_TYPE {row.get('CALL_TYPE')!r} is none of 1..5")
    employee = _text(row, "PORTAL_USER_ID")
    return PortalCall(
        statistics_id=statistics_id,
        call_id=call_id,
        record_id=record_id_of(file_id, url, statistics_id),
        started_at=_instant(row, statistics_id),
        direction=direction,
        portal_number=_text(row, "PORTAL_NUMBER"),
        phone_number=_text(row, "PHONE_NUMBER"),
        employee_id=employee if employee not in ("", "0") else None,
        duration_sec=max(0, _whole(row, "CALL_DURATION", most=_LONGEST_CALL_SEC) or 0),
        failed_code=_text(row, "CALL_FAILED_CODE"),
        has_recording=file_id is not None or url is not None,
        file_id=file_id,
        recording_url=without_secrets(url) if url else None,
        portal_transcript_id=_text(row, "TRANSCRIPT_ID") or None,
    )


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _whole(row: Mapping[str, Any], field: str, *, required: bool = False, most: int = _BIGGEST_ID) -> int | None:
    """None for what is no whole number or does not fit the state's column: one odd row must not fail its page."""
    text = _text(row, field)
    for parse in (int, lambda number: int(float(number))):  # the second for "95.0"
        try:
            number = parse(text)
        except (ValueError, OverflowError):
            continue
        if -most <= number <= most:
            return number
    if required:
        raise BadRow(f"a row of the call statistics has no usable {field}: {row.get(field)!r}")
    return None


def _instant(row: Mapping[str, Any], statistics_id: int) -> datetime:
    text = _text(row, "CALL_START_DATE")
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is None:
        raise BadRow(f"row {statistics_id}: CALL_START_DATE {text!r} is no instant with an offset")
    return value
