"""The recogniser's errors, with texts that the real service has sent."""

from typing import Any


class RecogniserError(Exception):
    """One error response; `extra` stands beside `error` in the body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.param, self.code = status, message, kind, param, code
        self.headers, self.extra = headers or {}, extra or {}

    def as_dict(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error, **self.extra}


def wrong_key(key: str) -> RecogniserError:
    shown = f"{key[:8]}****{key[-4:]}" if len(key) > 12 else "****"
    return RecogniserError(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def no_key() -> RecogniserError:
    return RecogniserError(401, "You didn't provide an API key.")


def no_money(code: str) -> RecogniserError:
    """`code`: insufficient_quota, credit_balance_exhausted, organization_spend_limit_exceeded, ..."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return RecogniserError(429, message, kind="insufficient_quota", code=code)


def too_often(model: str, limit: int, wait: float) -> RecogniserError:
    return RecogniserError(
        429,
        f"Rate limit reached for {model} on requests per min (RPM): Limit {limit}, Used {limit}, Requested 1. "
        f"Please try again in {wait:.0f}s.",
        kind="requests",
        code="rate_limit_exceeded",
        headers={"retry-after": f"{wait:.0f}"},
    )


def too_large(limit: int, size: int) -> RecogniserError:
    return RecogniserError(
        413,
        f"413: Maximum content size limit ({limit}) exceeded ({size} bytes read)",
        kind="server_error",
        extra={"usage": {"type": "duration", "seconds": 0}},
    )


def unknown_model(model: str) -> RecogniserError:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return RecogniserError(404, message, code="model_not_found")


def wrong_format(name: str, model: str, allowed: tuple[str, ...]) -> RecogniserError:
    use = " or ".join(f"'{item}'" for item in allowed)
    return RecogniserError(
        400,
        f"response_format '{name}' is not compatible with model '{model}'. Use {use} instead.",
        param="response_format",
        code="unsupported_value",
    )


def bad_file(suffixes: tuple[str, ...]) -> RecogniserError:
    names = ", ".join(f"'{suffix}'" for suffix in suffixes)
    return RecogniserError(400, f"Invalid file format. Supported formats: [{names}]", param="file")


def undecodable(model: str) -> RecogniserError:
    whisper = "The audio file could not be decoded or its format is not supported."
    message = whisper if model == "whisper-1" else "Audio file might be corrupted or unsupported"
    return RecogniserError(400, message, param="file", code="invalid_value")


def too_short(model: str, seconds: float) -> RecogniserError:
    if model == "whisper-1":
        message = "Audio file is too short. Minimum audio length is 0.1 seconds."
        return RecogniserError(400, message, param="file", code="audio_too_short")
    message = f"audio duration {seconds} seconds is shorter than 0.1 seconds which is the minimum for this model"
    return RecogniserError(400, message, code="invalid_value")


def too_long(seconds: float, limit: float) -> RecogniserError:
    message = f"audio duration {seconds} seconds is longer than {limit:.0f} seconds which is the maximum for this model"
    return RecogniserError(400, message, code="invalid_value")


def bad_field(field: str, message: str, code: str = "invalid_value") -> RecogniserError:
    return RecogniserError(400, message, param=field, code=code)
