"""Errors of the portal, and the error of the export that each becomes. Facts: the vendor's documentation of REST."""

from collections.abc import Callable
from dataclasses import dataclass
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
UNKNOWN_METHOD = "ERROR_METHOD_NOT_FOUND"

# first part of a method's name -> the webhook's permission that it needs, as the portal's form calls it
_SCOPES = {
    "voximplant": "telephony",
    "telephony": "telephony",
    "disk": "disk",
    "user": "user_brief (or user_basic, user)",
}
_NEW_WEBHOOK = "create the incoming webhook anew and put its user id and token into the connection"


@dataclass(frozen=True, slots=True)
class PortalError:
    """An error as the portal states it; `code` is upper-cased and may be empty, `text` contains no secrets."""

    status: int
    code: str
    text: str

    @property
    def is_refusal(self) -> bool:
        """The portal asks to slow down."""
        return self.code in (REQUEST_RATE, METHOD_TIME)

    @property
    def is_not_found(self) -> bool:
        """Real errors of a batch's command have an empty code and the words "Not found"."""
        return self.code == NOT_FOUND or (not self.code and "not found" in self.text.lower())


def error_in(body: Any, status: int, *secrets: str) -> PortalError | None:
    """The error in a JSON body of REST or of REST 3.0; None if there is none."""
    if not isinstance(body, dict) or "error" not in body:
        return None
    error = body["error"]
    if isinstance(error, dict):
        return PortalError(status, scrub(error.get("code"), *secrets).upper(), scrub(error.get("message"), *secrets))
    return PortalError(status, scrub(error, *secrets).upper(), scrub(body.get("error_description"), *secrets))


def export_error(error: PortalError, method: str) -> ExportError:
    """The error of the export whose class says what the caller does next."""
    where = f"{method}: {error.code or error.status} {error.text}".strip()
    if error.is_refusal:
        return Throttled(f"the portal asks to slow down ({where})")
    if error.code == INSUFFICIENT_SCOPE:
        scope = scope_of(method)
        return AccessDenied(
            f"the webhook lacks the permission `{scope}`: tick it in the webhook's settings ({where})",
            problem="webhook_lacks_scope",
            scope=scope,
        )
    if error.code == ACCESS_DENIED:
        return _access_denied(error, method, where)
    if error.code in _BY_CODE:
        return _BY_CODE[error.code](where, method)
    return _by_status(error.status, where)


def scope_of(method: str) -> str:
    family = method.partition(".")[0]
    return _SCOPES.get(family, family)


def page_instead_of_json(status: int, method: str) -> ExportError:
    """The portal sent HTML. With status 200 that is an error page of its front server, never data."""
    if status < 400:
        return Temporary(f"{method}: the portal sent a page instead of data (HTTP {status})")
    return _by_status(status, f"{method}: a page instead of data, HTTP {status}")


_BY_CODE: dict[str, Callable[[str, str], ExportError]] = {
    "NO_AUTH_FOUND": lambda where, _: AccessDenied(
        f"the portal does not know this webhook: {_NEW_WEBHOOK} ({where})", problem="webhook_unknown"
    ),
    "INVALID_CREDENTIALS": lambda where, _: _webhook_refused(where),
    "INVALID_TOKEN": lambda where, _: _webhook_refused(where),
    "EXPIRED_TOKEN": lambda where, _: AccessDenied(
        f"the webhook has expired: {_NEW_WEBHOOK} ({where})", problem="webhook_expired"
    ),
    "USER_ACCESS_ERROR": lambda where, _: AccessDenied(
        f"the webhook's owner may not use it: let an administrator own the webhook ({where})",
        problem="webhook_owner_barred",
    ),
    "WRONG_AUTH_TYPE": lambda where, method: AccessDenied(
        f"the portal allows this method to applications only, not to webhooks ({where})",
        problem="method_for_applications",
        method=method,
    ),
    "PORTAL_DELETED": lambda where, _: AccessDenied(f"the portal has been deleted ({where})", problem="portal_deleted"),
    "OVERLOAD_LIMIT": lambda where, _: StopRun(
        f"the portal's REST API is blocked because of overload: ask Bitrix24 support to unblock it ({where})",
        problem="portal_api_blocked",
    ),
    "INVALID_REQUEST": lambda where, _: NotConfigured(
        f"the portal accepts https only: B24_BASE_URL must start with https:// ({where})", problem="portal_needs_https"
    ),
    UNKNOWN_METHOD: lambda where, method: NotConfigured(
        f"the portal does not know this method: check that its module is installed ({where})",
        problem="portal_lacks_method",
        method=method,
    ),
    "ERROR_MANIFEST_IS_NOT_AVAILABLE": lambda where, _: _no_api(where),
    "INTERNAL_SERVER_ERROR": lambda where, _: Temporary(f"the portal failed internally ({where})"),
    "ERROR_UNEXPECTED_ANSWER": lambda where, _: Temporary(f"the portal failed internally ({where})"),
    NOT_FOUND: lambda where, _: Permanent(f"the portal has no such object ({where})"),
}


def _webhook_refused(where: str) -> AccessDenied:
    return AccessDenied(f"the portal does not accept this webhook: {_NEW_WEBHOOK} ({where})", problem="webhook_refused")


def _no_api(where: str) -> NotConfigured:
    return NotConfigured(
        f"the portal has no REST API at this address: check B24_BASE_URL ({where})", problem="portal_has_no_api"
    )


def _access_denied(error: PortalError, method: str, where: str) -> AccessDenied:
    if "commercial plan" in error.text.lower():
        return AccessDenied(
            f"the portal's plan has no REST API: a commercial plan is needed ({where})",
            problem="portal_plan_without_api",
        )
    scope = scope_of(method)
    if scope == "telephony":
        return AccessDenied(
            "the webhook's owner may not view the call statistics: give the owner's role the right to view the calls "
            f"of all employees, or let an administrator own the webhook ({where})",
            problem="owner_lacks_statistics",
        )
    return AccessDenied(
        f"the webhook's owner has no right to this: give the right `{scope}`, or let an administrator own it ({where})",
        problem="owner_lacks_right",
        scope=scope,
    )


def _by_status(status: int, where: str) -> ExportError:
    if status in (401, 403):
        return AccessDenied(
            f"the portal refuses the webhook: check its token and rights ({where})", problem="portal_refuses_webhook"
        )
    if status == 404:
        return _no_api(where)
    if status == 429:
        return Throttled(f"the portal asks to slow down ({where})")
    if status >= 500 or status == 408:
        return Temporary(f"the portal failed ({where})")
    return ContractBroken(f"the portal did not understand the request ({where})", problem="portal_rejects_request")
