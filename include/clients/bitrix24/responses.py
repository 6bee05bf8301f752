"""The form of a successful response of the portal. Errors are read in `portal_errors.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.common.errors import ContractBroken


@dataclass(frozen=True, slots=True)
class Response:
    """`total` is 0 if the portal was asked not to count (`start=-1`); `next` is absent on the last page."""

    result: Any
    total: int | None = None
    next: int | None = None
    time: Mapping[str, Any] = field(default_factory=dict)


def response_from(body: Any, method: str) -> Response:
    """Raises ContractBroken for a successful response in an unknown form."""
    if not isinstance(body, dict) or "result" not in body:
        raise unknown_form(method, "the response has neither `result` nor `error`")
    time = body.get("time")
    return Response(
        body["result"],
        whole_number(body.get("total")),
        whole_number(body.get("next")),
        time if isinstance(time, dict) else {},
    )


def unknown_form(method: str, what: str) -> ContractBroken:
    """Data in an unknown form is never used: calls could be lost."""
    return ContractBroken(f"{method}: {what}", problem="portal_unknown_form", method=method)


def whole_number(value: Any) -> int | None:
    """The portal writes numbers as numbers or as strings of digits."""
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None
