"""Client of a language model behind an OpenAI-compatible API: one request, one JSON response, no retries of its own.

The SDK's exceptions hold URLs, so ours are raised outside the handlers and have none of them in their chain.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from include.clients.openai.client import OUT_OF_MONEY, PROXY_REFUSES, connection_error, openai_client, retry_after
from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    Permanent,
    QuotaExhausted,
    Temporary,
    Throttled,
)

LONGEST_HINT_SECONDS = 3600.0  # a longer `retry-after` of a server is cut to this
MAX_RESPONSE_TOKENS = 8_000  # thinking included; a summary itself is a few hundred
_CODE = re.compile(r"[a-z0-9_.:/-]{1,80}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What a response is billed for: tokens as the service counts them, None if it does not.

    `usd` is the price where the one who asked knows it; `counted` is False where the tokens are its estimate.
    """

    model: str
    input_tokens: int | None
    output_tokens: int | None
    usd: Decimal | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """`content` is a JSON object that nothing has checked yet; `unusable` were billed before it."""

    content: dict[str, Any]
    usage: TokenUsage
    unusable: "tuple[UnusableResponse, ...]" = ()


class JsonModel(Protocol):
    """What a task asks of a language model: one of a service, or the router over several."""

    @property
    def model(self) -> str:
        """The name of the model that is asked, first of all."""

    def ask(self, *, instructions: str, data: str, schema_name: str, schema: Mapping[str, Any]) -> ModelResponse:
        """See `LanguageModel.ask`."""


class UnusableResponse(Permanent):
    """A response that is billed but holds no finished JSON object; `characters` is the length of its text.

    `earlier` were billed for the same question before.
    """

    earlier: "tuple[UnusableResponse, ...]" = ()

    def __init__(self, what: str, usage: TokenUsage, characters: int) -> None:
        super().__init__(f"the language model's response is unusable: {what}", code=ErrorCode.SUMMARY_FAILED)
        self.usage = usage
        self.characters = characters


class LanguageModel:
    """All requests go through `proxy_url` if one is given."""

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        model: str,
        proxy_url: str | None,
        timeout_seconds: float = 120.0,
    ) -> None:
        """Raises NotConfigured as `openai_client` does."""
        self.model = model
        self._proxied = bool(proxy_url)
        self._client = openai_client(
            api_key=api_key, base_url=base_url, proxy_url=proxy_url, timeout_seconds=timeout_seconds
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, *, instructions: str, data: str, schema_name: str, schema: Mapping[str, Any]) -> ModelResponse:
        """`data` is sent apart from `instructions`; the response must be JSON that follows `schema` strictly.

        Raises AccessDenied, QuotaExhausted, Throttled, Temporary(summary_failed), Permanent(summary_failed) if the
        request is refused for good or the response is no chat completion, UnusableResponse if it is no finished JSON
        object.
        """
        try:
            completion: object = self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": instructions}, {"role": "user", "content": data}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": schema_name, "strict": True, "schema": dict(schema)},
                },
                max_completion_tokens=MAX_RESPONSE_TOKENS,
                store=False,
            )
        except openai.OpenAIError as error:
            failure: ExportError = _translated(error, proxied=self._proxied)
        except json.JSONDecodeError:
            failure = _unusable("no JSON under status 200")
        else:
            return _read(completion, self.model)
        raise failure


def _read(completion: object, asked_model: str) -> ModelResponse:
    # The SDK returns a page under status 200 as a str, and an error body as an object without choices.
    if not isinstance(completion, ChatCompletion):
        raise _unusable("no chat completion")
    counted: object = completion.usage
    known = counted if isinstance(counted, CompletionUsage) else None
    usage = TokenUsage(
        _code(completion.model) or asked_model,
        _count(known.prompt_tokens) if known else None,
        _count(known.completion_tokens) if known else None,
    )
    choice: object = completion.choices[0] if completion.choices else None
    if not isinstance(choice, Choice) or not isinstance(choice.message, ChatCompletionMessage):
        raise _unusable("no chat completion")
    text: object = choice.message.content
    written = text if isinstance(text, str) else ""
    if choice.message.refusal:
        raise UnusableResponse("the model refused to answer", usage, len(choice.message.refusal))
    if choice.finish_reason != "stop":
        raise UnusableResponse(f"unfinished ({_code(choice.finish_reason)})", usage, len(written))
    content = _json_object(written)
    if content is None:
        raise UnusableResponse("its content is no JSON object", usage, len(written))
    return ModelResponse(content, usage)


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _translated(error: openai.OpenAIError, *, proxied: bool) -> ExportError:
    if isinstance(error, openai.APITimeoutError):
        return Temporary("the language model did not respond in time", code=ErrorCode.SUMMARY_FAILED)
    if isinstance(error, openai.APIStatusError):
        return _by_status(error)
    if isinstance(error, openai.APIConnectionError):
        return connection_error(error, "the language model", proxied=proxied, code=ErrorCode.SUMMARY_FAILED)
    return _unusable(f"the SDK could not read it ({type(error).__name__})")


def _by_status(error: openai.APIStatusError) -> ExportError:
    status = error.status_code
    what = f"the language model responded {status} {_code(error.code) or _code(error.type)}".rstrip()
    if {str(error.code), str(error.type)} & OUT_OF_MONEY or status == 402:
        return QuotaExhausted(
            f"{what}: top up the account or raise its limit, then resume the run", problem="model_out_of_money"
        )
    if status == 407:
        return AccessDenied(PROXY_REFUSES, problem="proxy_refuses")
    if status in (401, 403):
        return AccessDenied(
            f"{what}: check OPENAI_API_KEY and its right to use SUMMARY_MODEL", problem="model_denies_access"
        )
    if status == 429:
        return Throttled(what, code=ErrorCode.SUMMARY_FAILED, retry_after=_hint(error.response.headers))
    if status in (408, 409) or status >= 500:
        return Temporary(what, code=ErrorCode.SUMMARY_FAILED, retry_after=_hint(error.response.headers))
    # A wrong SUMMARY_MODEL (404) ends here as well: it must not prevent the transcripts of the run.
    return Permanent(f"{what}: check SUMMARY_MODEL and OPENAI_BASE_URL", code=ErrorCode.SUMMARY_FAILED)


def _unusable(what: str) -> Permanent:
    return Permanent(f"the language model's response is unusable: {what}", code=ErrorCode.SUMMARY_FAILED)


def _hint(headers: Mapping[str, str]) -> float | None:
    seconds = retry_after(headers)
    return None if seconds is None else min(seconds, LONGEST_HINT_SECONDS)


def _code(value: object) -> str:
    """The service's error code or model name if it looks like one: any other text may quote the request."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
