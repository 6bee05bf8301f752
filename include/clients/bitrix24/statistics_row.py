"""A row of the portal's call statistics (`voximplant.statistic.get`), checked and turned into a `Call`.

Facts about the fields: vendor documentation of `voximplant.statistic.get` and the portal's core.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.clients.bitrix24.redaction import link_without_secrets
from include.common.errors import BadRow
from include.common.telephony import Call, CallOutcome, Direction

# CALL_TYPE; 3 is an incoming call with redirection: still inbound
_DIRECTIONS = {
    "1": Direction.OUTBOUND,
    "2": Direction.INBOUND,
    "3": Direction.INBOUND,
    "4": Direction.CALLBACK,
    "5": Direction.INFO,
}

# CALL_FAILED_CODE
_OUTCOMES = {
    "200": CallOutcome.ANSWERED,
    "304": CallOutcome.MISSED,
    "402": CallOutcome.NO_FUNDS,
    "403": CallOutcome.FORBIDDEN,
    "404": CallOutcome.WRONG_NUMBER,
    "423": CallOutcome.LINE_BLOCKED,
    "480": CallOutcome.NOT_AVAILABLE,
    "484": CallOutcome.UNREACHABLE,
    "486": CallOutcome.BUSY,
    "503": CallOutcome.UNREACHABLE,
    "603": CallOutcome.DECLINED,
    "603-S": CallOutcome.CANCELLED,
    "OTHER": CallOutcome.UNDETERMINED,
    "": CallOutcome.NOT_STATED,
}

_BIGGEST_ID = 2**63 - 1
_LONGEST_CALL_SEC = 2**31 - 1
_LONGEST_CALL_ID = 500  # the portal keeps 255; an index of the state takes no more than some 2,700 bytes


def call_from_row(row: Mapping[str, Any]) -> Call:
    """Reads one row; numbers may come as strings or numbers, absent values as null, "", {} or not at all.

    A row whose CALL_ID or CALL_TYPE is unusable is still a call, and its recording is fetched: it gets a CALL_ID from
    the row's number, an unknown direction, and says so in `unread`. Raises BadRow that names the field and the row's ID
    when a field that the export cannot do without is unusable.
    """
    statistics_id = _whole(row, "ID", required=True)
    assert statistics_id is not None
    unread: list[str] = []
    call_id = _text(row, "CALL_ID")
    if not call_id or len(call_id) > _LONGEST_CALL_ID:
        unread.append(
            f"row {statistics_id}: CALL_ID has {len(call_id)} characters, from 1 to {_LONGEST_CALL_ID} are read"
        )
        call_id = f"statistics-{statistics_id}"
    file_id = _whole(row, "RECORD_FILE_ID") or None
    if file_id is None and _text(row, "RECORD_FILE_ID") not in ("", "0"):
        raise BadRow(f"row {statistics_id}: RECORD_FILE_ID is no number")  # "no recording" would hide one
    url = _text(row, "CALL_RECORD_URL") or None
    direction = _DIRECTIONS.get(_text(row, "CALL_TYPE"), Direction.UNKNOWN)
    if direction is Direction.UNKNOWN:
        unread.append(f"row {statistics_id}: CALL_TYPE {row.get('CALL_TYPE')!r:.40} is none of 1..5")
    employee = _text(row, "PORTAL_USER_ID")
    outcome_code = _text(row, "CALL_FAILED_CODE")
    return Call(
        statistics_id=statistics_id,
        call_id=call_id,
        record_id=record_id_of(file_id, url, statistics_id),
        started_at=_instant(row, statistics_id),
        direction=direction,
        phone_line=_text(row, "PORTAL_NUMBER"),
        client_number=_text(row, "PHONE_NUMBER"),
        employee_id=employee if employee not in ("", "0") else None,
        duration_sec=max(0, _whole(row, "CALL_DURATION", most=_LONGEST_CALL_SEC) or 0),
        outcome=_OUTCOMES.get(outcome_code, CallOutcome.UNKNOWN),
        outcome_code=outcome_code,
        has_recording=file_id is not None or url is not None,
        recording_ref=str(file_id) if file_id is not None else None,
        recording_url=link_without_secrets(url) if url else None,
        unread=tuple(unread),
    )


def record_id_of(file_id: int | None, record_url: str | None, statistics_id: int) -> str:
    """The recording's name: the file's id, else `url-` and 16 hex digits of the URL's SHA-256, else `none-` and ID.

    A row keeps one name however often it is listed, so a repeated listing adds nothing.
    """
    if file_id is not None:
        return str(file_id)
    if record_url:
        return "url-" + hashlib.sha256(record_url.encode()).hexdigest()[:16]
    return f"none-{statistics_id}"


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _whole(row: Mapping[str, Any], field: str, *, required: bool = False, most: int = _BIGGEST_ID) -> int | None:
    """None for a value that is no whole number or exceeds the state's column: one odd row must not fail its page."""
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
        raise BadRow(f"row {statistics_id}: CALL_START_DATE {text!r} is no instant with a UTC offset")
    return value
