"""The Messages API's errors, by the vendor's page of errors."""

from typing import Any


class MessagesError(Exception):
    """One error response."""

    def __init__(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.headers = status, kind, message, headers or {}

    def as_dict(self, request_id: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": self.kind, "message": self.message}, "request_id": request_id}


def wrong_key() -> MessagesError:
    return MessagesError(401, "authentication_error", "invalid x-api-key")


def no_money() -> MessagesError:
    message = (
        "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits."
    )
    return MessagesError(400, "invalid_request_error", message)


def unknown_model(model: str) -> MessagesError:
    return MessagesError(404, "not_found_error", f"model: {model}")


def invalid(message: str) -> MessagesError:
    return MessagesError(400, "invalid_request_error", message)


def too_long(tokens: int, limit: int) -> MessagesError:
    return MessagesError(400, "invalid_request_error", f"prompt is too long: {tokens} tokens > {limit} maximum")


def too_often(seconds: float) -> MessagesError:
    message = "This request would exceed your organization's rate limit of 50 requests per minute."
    return MessagesError(429, "rate_limit_error", message, {"retry-after": f"{seconds:.0f}"})


def overloaded() -> MessagesError:
    return MessagesError(529, "overloaded_error", "Overloaded")
