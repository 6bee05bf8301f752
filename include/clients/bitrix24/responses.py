"""What the portal's answers mean. Facts: the vendor's documentation of REST errors, recorded answers in tests/data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.clients.bitrix24.redaction import scrub
from include.common.errors import (
    AccessDenied,
    ContractBroken,
    ExportError,
    NotConfigured,
    Permanent,
    StopRun,
    Temporary,
    Throttled,
)

REQUEST_RATE = "QUERY_LIMIT_EXCEEDED"
METHOD_TIME = "OPERATION_TIME_LIMIT"
NOT_FOUND = "ERROR_NOT_FOUND"
ACCESS_DENIED = "ACCESS_DENIED"
INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"

# first part of a method's name -> the webhook's permission it needs, as the portal's form calls it
_SCOPES = {
    "voximplant": "telephony",
    "telephony": "telephony",
    "disk": "disk",
    "user": "user_brief (or user_basic, user)",
}

_NEW_WEBHOOK = "create the incoming webhook anew and put its user id and token into the connection"
_BY_CODE: dict[str, tuple[type[ExportError], str]] = {
    "NO_AUTH_FOUND": (AccessDenied, f"the portal does not know this webhook: {_NEW_WEBHOOK}"),
    "INVALID_CREDENTIALS": (AccessDenied, f"the portal does not accept this webhook: {_NEW_WEBHOOK}"),
    "INVALID_TOKEN": (AccessDenied, f"the portal does not accept this webhook: {_NEW_WEBHOOK}"),
    "EXPIRED_TOKEN": (AccessDenied, f"the webhook has expired: {_NEW_WEBHOOK}"),
    "USER_ACCESS_ERROR": (AccessDenied, "the webhook's owner may not use it: let an administrator own the webhook"),
    "WRONG_AUTH_TYPE": (AccessDenied, "the portal allows this method to applications only, not to webhooks"),
    "PORTAL_DELETED": (AccessDenied, "the portal has been deleted"),
    "OVERLOAD_LIMIT": (
        StopRun,
        "the portal's REST API is blocked because of overload: ask Bitrix24 support to unblock it",
    ),
    "INVALID_REQUEST": (NotConfigured, "the portal wants https: B24_BASE_URL must start with https://"),
    "ERROR_METHOD_NOT_FOUND": (NotConfigured, "the portal does not know this method: is the module installed?"),
    "ERROR_MANIFEST_IS_NOT_AVAILABLE": (NotConfigured, "the portal offers no REST API at this address"),
    "INTERNAL_SERVER_ERROR": (Temporary, "the portal failed inside"),
    "ERROR_UNEXPECTED_ANSWER": (Temporary, "the portal failed inside"),
    NOT_FOUND: (Permanent, "the portal has no such object"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`total` is 0 where the portal was asked not to count (`start=-1`); `next` is absent on the last page."""

    result: Any
    total: int | None = None
    next: int | None = None
    time: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PortalError:
    """An error as the portal put it; `code` is upper-cased and may be empty, `text` is free of secrets."""

    status: int
    code: str
    text: str

    @property
    def is_refusal(self) -> bool:
        return self.code in (REQUEST_RATE, METHOD_TIME)

    @property
    def is_not_found(self) -> bool:
        """Real sub-errors of a batch come with an empty code and the words "Not found"."""
        return self.code == NOT_FOUND or (not self.code and "not found" in self.text.lower())


def error_in(body: Any, status: int, *secrets: str) -> PortalError | None:
    """The error inside a JSON body, in the shape of REST or of REST 3.0; None where there is none."""
    if not isinstance(body, dict) or "error" not in body:
        return None
    error = body["error"]
    if isinstance(error, dict):
        return PortalError(status, scrub(error.get("code"), *secrets).upper(), scrub(error.get("message"), *secrets))
    return PortalError(status, scrub(error, *secrets).upper(), scrub(body.get("error_description"), *secrets))


def ours(error: PortalError, method: str) -> ExportError:
    """The error of our tree that tells the caller what to do."""
    where = f"{method}: {error.code or error.status} {error.text}".strip()
    if error.is_refusal:
        return Throttled(f"the portal asks to slow down ({where})")
    if error.code == INSUFFICIENT_SCOPE:
        return AccessDenied(
            f"the webhook lacks the permission `{scope_of(method)}`: tick it in the webhook's settings ({where})"
        )
    if error.code == ACCESS_DENIED:
        return _denied(error, method, where)
    if error.code in _BY_CODE:
        kind, advice = _BY_CODE[error.code]
        return kind(f"{advice} ({where})")
    return _by_status(error.status, where)


def scope_of(method: str) -> str:
    family = method.partition(".")[0]
    return _SCOPES.get(family, family)


def page_instead_of_json(status: int, method: str) -> ExportError:
    """The portal sent HTML: a 200 is its front's error page, never data."""
    if status < 400:
        return Temporary(f"{method}: the portal answered with a page instead of data (HTTP {status})")
    return _by_status(status, f"{method}: a page instead of data, HTTP {status}")


def answer_from(body: Any, method: str) -> Answer:
    """Raises ContractBroken for a success that does not look like one."""
    if not isinstance(body, dict) or "result" not in body:
        raise ContractBroken(f"{method}: the portal's answer has neither `result` nor `error`")
    time = body.get("time")
    return Answer(
        body["result"], whole(body.get("total")), whole(body.get("next")), time if isinstance(time, dict) else {}
    )


def whole(value: Any) -> int | None:
    """The portal writes numbers as numbers or as strings of digits."""
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


def _denied(error: PortalError, method: str, where: str) -> AccessDenied:
    if "commercial plan" in error.text.lower():
        return AccessDenied(f"the portal's plan has no REST API: a commercial plan is needed ({where})")
    right = "«Статистика звонков: просмотр — любые»" if scope_of(method) == "telephony" else f"`{scope_of(method)}`"
    return AccessDenied(
        f"the webhook's owner has no right to this: give the right {right}, or let an administrator own it ({where})"
    )


def _by_status(status: int, where: str) -> ExportError:
    if status in (401, 403):
        return AccessDenied(f"the portal refuses the webhook: check its token and rights ({where})")
    if status == 404:
        return NotConfigured(f"the portal has no REST API at this address: check B24_BASE_URL ({where})")
    if status == 429:
        return Throttled(f"the portal asks to slow down ({where})")
    if status >= 500 or status == 408:
        return Temporary(f"the portal failed ({where})")
    return ContractBroken(f"the portal did not understand the request ({where})")
