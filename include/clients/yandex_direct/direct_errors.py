"""Errors of the Direct API by code, and the error of the load that each becomes. Facts: the vendor's documentation."""

from collections.abc import Mapping
from typing import Any

from include.clients.source_api import SourceApi, SourceName, vendor_text
from include.common.errors import ExportError, LoadCode, NotReady, StopRun, Temporary, Throttled

DIRECT = SourceName("Yandex Direct", "DIRECT_TOKEN, DIRECT_LOGIN")

QUEUE_FULL_SECONDS = 60.0
_RATE_SECONDS = 10.0  # the limit counts requests of ten seconds
_UNITS_SECONDS = 3600.0  # units come back by the hour
_TOKEN = frozenset({53})
_RIGHTS = frozenset({54, 58, 3000, 3001})
_GONE = frozenset({513, 8800})
_RATE = frozenset({55, 56, 506})
_UNITS = frozenset({152})
_QUEUE_FULL = frozenset({9000})
_SERVER = frozenset({52, 1000, 1001, 1002})


def error_in(answer: Any) -> Mapping[str, Any] | None:
    """`{"error": {"error_code": "152", "error_string": ..., "error_detail": ...}}`; None where there is none."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    return error if isinstance(error, Mapping) else None


def load_error(api: SourceApi, error: Mapping[str, Any], operation: str) -> ExportError:
    code = _code(error)
    said = vendor_text(f"{error.get('error_string', '')} {error.get('error_detail', '')}")
    where = f"Yandex Direct: {operation}: {code} {said}"
    if code in _TOKEN:
        return api.unauthorized(where)
    if code in _RIGHTS:
        return api.forbidden(where)
    if code in _GONE:
        return StopRun(where, code=LoadCode.ACCOUNT_GONE, problem="source_account_gone", source=DIRECT.title)
    return _passing(code, where) or api.rejected(where, operation)


def _passing(code: int, where: str) -> Temporary | None:
    """The error that ends by itself; None for all others."""
    if code in _UNITS:
        return Throttled(where, code=LoadCode.UNITS_EXHAUSTED, retry_after=_UNITS_SECONDS)
    if code in _RATE:
        return Throttled(where, code=LoadCode.SOURCE_THROTTLED, retry_after=_RATE_SECONDS)
    if code in _QUEUE_FULL:
        return NotReady(where, code=LoadCode.REPORT_QUEUE_FULL, retry_after=QUEUE_FULL_SECONDS)
    return Temporary(where, code=LoadCode.SOURCE_UNAVAILABLE) if code in _SERVER else None


def _code(error: Mapping[str, Any]) -> int:
    try:
        return int(error.get("error_code", error.get("code", 0)))
    except (TypeError, ValueError):
        return 0
