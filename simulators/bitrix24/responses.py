"""The envelope of the portal's responses and its errors, as published by the vendor."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

# error -> (HTTP status, text); the vendor's table of system errors, REST documentation of 2026-08
SYSTEM_ERRORS: dict[str, tuple[int, str | None]] = {
    "INTERNAL_SERVER_ERROR": (500, "Internal server error"),
    "ERROR_UNEXPECTED_ANSWER": (500, "Server returned an unexpected response"),
    "QUERY_LIMIT_EXCEEDED": (503, "Too many requests"),
    "ERROR_BATCH_METHOD_NOT_ALLOWED": (405, "Method is not allowed for batch usage"),
    "ERROR_BATCH_LENGTH_EXCEEDED": (400, "Max batch length exceeded"),
    "NO_AUTH_FOUND": (401, "Wrong authorization data"),
    "INVALID_REQUEST": (400, "Https required"),
    "OVERLOAD_LIMIT": (503, "REST API is blocked due to overload"),
    "ACCESS_DENIED": (403, "REST API is available only on commercial plans"),
    "INVALID_CREDENTIALS": (403, "Invalid request credentials"),
    "insufficient_scope": (403, "The request requires higher privileges than provided by the webhook token"),
    "expired_token": (401, "The access token provided has expired"),
    "user_access_error": (403, "The user does not have access to the application"),
    "PORTAL_DELETED": (500, "Portal was deleted"),
    "OPERATION_TIME_LIMIT": (429, None),  # the text is not published
    "ERROR_METHOD_NOT_FOUND": (404, "Method not found!"),
}


class PortalError(Exception):
    """A method's error: an HTTP status with a body, or one command's error inside a batch."""

    def __init__(self, error: str, description: str | None = None, status: int | None = None) -> None:
        known_status, known_text = SYSTEM_ERRORS.get(error, (400, description))
        super().__init__(error)
        self.error = error
        self.description = known_text if description is None else description
        self.status = known_status if status is None else status

    def as_dict(self) -> dict[str, str | None]:
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a method; `total` only for lists, `next` only if there is a further page."""

    value: Any
    total: int | None = None
    next: int | None = None


def time_block(started: float, finished: float, zone: timezone, operating: float, reset_at: int) -> dict[str, Any]:
    """The `time` of a response; `started` and `finished` are seconds of the Unix clock."""
    return {
        "start": started,
        "finish": finished,
        "duration": finished - started,
        "processing": finished - started,
        "date_start": datetime.fromtimestamp(started, zone).isoformat(timespec="seconds"),
        "date_finish": datetime.fromtimestamp(finished, zone).isoformat(timespec="seconds"),
        "operating_reset_at": reset_at,
        "operating": operating,
    }


def envelope(result: Result, time: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"result": result.value}
    if result.next is not None:
        body["next"] = result.next
    if result.total is not None:
        body["total"] = result.total
    return {**body, "time": time}
