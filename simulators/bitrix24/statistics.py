"""`voximplant.statistic.get`: rows, filter, order and pages, with the peculiarities of the portal's core."""

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timezone
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, TypeVar

from simulators.bitrix24.php import Params, as_array, as_list, intval, upper_keys
from simulators.bitrix24.responses import Result
from simulators.bitrix24.world import Call

PAGE = 50
Row = dict[str, Any]
Item = TypeVar("Item")

# RECORD_FILE_ID is missing on purpose: the core cannot filter by it
_FILTERABLE = {
    *("ID", "PORTAL_USER_ID", "PORTAL_NUMBER", "PHONE_NUMBER", "CALL_ID", "EXTERNAL_CALL_ID", "CALL_CATEGORY"),
    *("CALL_DURATION", "CALL_START_DATE", "CALL_RECORD_URL", "CALL_VOTE", "COST", "COST_CURRENCY", "CALL_FAILED_CODE"),
    *("CALL_FAILED_REASON", "CRM_ENTITY_TYPE", "CRM_ENTITY_ID", "CRM_ACTIVITY_ID", "REST_APP_ID", "TRANSCRIPT_ID"),
    *("TRANSCRIPT_PENDING", "SESSION_ID", "REDIAL_ATTEMPT", "CALL_TYPE"),
}
_SORTABLE = _FILTERABLE - {"CALL_TYPE"}
_NUMBERS = {"ID", "PORTAL_USER_ID", "CALL_DURATION", "COST", "CALL_VOTE", "CRM_ENTITY_ID", "CRM_ACTIVITY_ID"}
_CONDITION = re.compile(r"^(!><|><|!%|!=|>=|<=|!|<|>|\?|=|%)?([A-Z_]+)$")
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def row_of(call: Call, zone: timezone, storage_url: str) -> Row:
    """The row as the portal writes it: all values are strings, only RECORD_FILE_ID is a number."""
    url = call.record_url if call.storage_path is None else f"{storage_url}/{call.storage_path}"
    answered = call.failed_code == "200"
    row: Row = {
        "ID": str(call.id),
        "PORTAL_USER_ID": call.user_id,
        "PORTAL_NUMBER": call.portal_number,
        "PHONE_NUMBER": call.phone_number,
        "CALL_ID": call.call_id,
        "EXTERNAL_CALL_ID": None,
        "CALL_CATEGORY": "external",
        "CALL_LOG": None,
        "CALL_DURATION": str(call.duration),
        "CALL_START_DATE": call.started_at.astimezone(zone).isoformat(timespec="seconds"),
        "CALL_RECORD_URL": url if url is not None or answered else "",
        "CALL_VOTE": None,
        "COST": "0.0000",
        "COST_CURRENCY": "RUR" if answered else "",
        "CALL_FAILED_CODE": call.failed_code,
        "CALL_FAILED_REASON": "" if answered else "Missed call" if call.failed_code == "304" else "Decline self",
        "CRM_ENTITY_TYPE": None,
        "CRM_ENTITY_ID": None,
        "CRM_ACTIVITY_ID": call.activity_id,
        "REST_APP_ID": None,
        "REST_APP_NAME": None,
        "TRANSCRIPT_ID": None if call.transcript is None else str(call.id),
        "TRANSCRIPT_PENDING": "N",
        "SESSION_ID": None,
        "REDIAL_ATTEMPT": None,
        "COMMENT": None,
        "RECORD_DURATION": None,
        "RECORD_FILE_ID": call.file_id,
        "CALL_TYPE": call.call_type,
    }
    return {name: value for name, value in {**row, **call.fields}.items() if name not in call.without}


def page_of(calls: Collection[Call], as_row: Callable[[Call], Row], params: Params, ignore: frozenset[str]) -> Result:
    """One page of `calls`.

    `ignore` names what this portal silently ignores: "start=-1", "SORT", a condition as it is sent (">ID").
    """
    given = upper_keys(params)
    conditions = {
        name: value for name, value in upper_keys(as_array(given.get("FILTER"))).items() if name not in ignore
    }
    floor = intval(conditions.get(">ID", -1))  # skipped before their rows are built, for the speed of a big portal
    wanted = calls
    if str(conditions.get("ID")).isdecimal():
        number = int(conditions["ID"])
        wanted = [call for call in calls if call.id == number or "ID" in call.fields]
    rows = (as_row(call) for call in sorted(wanted, key=lambda call: call.id) if call.id > floor)
    found = (row for row in rows if all(_holds(row, name, value) for name, value in conditions.items()))
    sort = None if "SORT" in ignore else given.get("SORT")
    start = intval(given.get("START"))
    if start < 0 and "start=-1" not in ignore:
        if (sort, given.get("ORDER")) == ("ID", "ASC"):
            return Result(list(islice(found, PAGE)), total=0)
        return Result(_ordered(list(found), sort, given.get("ORDER"))[:PAGE], total=0)
    start = max(0, start)
    following = start + PAGE
    if not conditions and not _sortable(sort):
        everything = _shuffled([call for call in calls if "ID" not in call.fields], lambda call: call.id)
        if len(everything) == len(calls):  # the same page as below, built without all other rows
            page = [as_row(call) for call in everything[start:following]]
            return Result(page, len(everything), following if following < len(everything) else None)
    ordered = _ordered(list(found), sort, given.get("ORDER"))
    return Result(ordered[start:following], len(ordered), following if following < len(ordered) else None)


def _ordered(rows: list[Row], sort: Any, order: Any) -> list[Row]:
    """By the requested field; if SORT is no string that names one, in a fixed order that looks random."""
    if not _sortable(sort):
        return _shuffled(rows, lambda row: intval(row.get("ID")))
    field = sort.upper()
    reverse = isinstance(order, str) and order.upper() == "DESC"
    by_id = sorted(rows, key=lambda row: intval(row.get("ID")))
    return sorted(by_id, key=lambda row: _comparable(field, row.get(field)), reverse=reverse)


def _sortable(sort: Any) -> bool:
    return isinstance(sort, str) and sort.upper() in _SORTABLE


def _shuffled(items: Iterable[Item], number: Callable[[Item], int]) -> list[Item]:
    return sorted(items, key=lambda item: number(item) * 2654435761 % 2**32)


def _comparable(field: str, value: Any) -> tuple[int, Any]:
    """A sortable key; absent and unusable values come first."""
    if value is None:
        return (0, "")
    if field == "CALL_START_DATE":
        moment = _moment(value)
        return (0, "") if moment is None else (1, moment)
    if field in _NUMBERS:
        try:
            return (1, Decimal(str(value)))
        except InvalidOperation:
            return (1, Decimal(intval(value)))
    return (1, str(value))


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _holds(row: Row, name: str, wanted: Any) -> bool:
    """Whether the row meets one condition; a condition with an unknown field or operator is silently dropped."""
    parts = _CONDITION.match(name)
    if parts is None or parts[2] not in _FILTERABLE:
        return True
    sign, field = parts[1] or "", parts[2]
    if field == "CALL_START_DATE" and any(_moment(item) is None for item in as_list(wanted)):
        return True
    if sign.startswith("!"):
        return not _meets(row, sign[1:], field, wanted)
    return _meets(row, sign, field, wanted)


def _meets(row: Row, sign: str, field: str, wanted: Any) -> bool:
    have = row.get(field)
    if sign in _ORDERINGS:
        return have is not None and _ORDERINGS[sign](_comparable(field, have), _comparable(field, wanted))
    if sign == "><":
        low, high = (_comparable(field, item) for item in as_list(wanted)[:2])
        return low <= _comparable(field, have) <= high
    if sign in ("%", "?"):
        return str(wanted).lower() in str(have or "").lower()
    if isinstance(wanted, list | Mapping):
        return any(_comparable(field, have) == _comparable(field, item) for item in as_list(wanted))
    return _comparable(field, have) == _comparable(field, wanted)
