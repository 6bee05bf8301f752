"""The language model behind an OpenAI-compatible API: one question, one JSON answer, no retries of its own.

The SDK's retries are off: Airflow retries (D15), and a repeated timeout would be paid twice. Its exceptions hold URLs,
so ours are raised outside the handlers: nothing of theirs stays chained to them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from include.clients.whisper_answers import retry_after
from include.config.names import USER_AGENT
from include.domain.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    Temporary,
    Throttled,
)

VENDOR = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
LONGEST_HINT_SECONDS = 3600.0  # a server's "come back later" is believed up to this
MAX_ANSWER_TOKENS = 8_000  # thinking included; a summary itself is a few hundred
# openai_api.md 1.5: the account is empty or over its limit, so every further request would be refused too
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
    }
)
_CODE = re.compile(r"[a-z0-9_.:/-]{1,80}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """`content` is a JSON object nobody has checked yet; tokens as the service counts them, None if it doesn't."""

    content: dict[str, Any]
    model: str
    input_tokens: int | None
    output_tokens: int | None


class LanguageModel:
    """Everything goes through `proxy_url` where one is given, and nothing beside it (D28)."""

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        model: str,
        proxy_url: str | None,
        timeout_seconds: float = 120.0,
    ) -> None:
        """Raises NotConfigured for a proxy address or base URL that cannot be used."""
        self.model = model
        self._http = _http_client(proxy_url, timeout_seconds)
        self._client = openai.OpenAI(
            api_key=api_key or "none",  # a compatible server may want no key; the SDK wants one
            base_url=base_url or VENDOR,  # left out, the SDK would take it from the environment
            max_retries=0,
            http_client=self._http,
            default_headers={"User-Agent": USER_AGENT},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, *, instructions: str, data: str, schema_name: str, schema: Mapping[str, Any]) -> ModelAnswer:
        """`data` is sent apart from `instructions`; the answer is asked for as JSON by `schema`, strictly.

        Raises AccessDenied, QuotaExhausted, Throttled, Temporary(summary_failed), or Permanent(summary_failed) where
        the request is refused for good or the answer is no finished JSON object.
        """
        try:
            completion: object = self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": instructions}, {"role": "user", "content": data}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": schema_name, "strict": True, "schema": dict(schema)},
                },
                max_completion_tokens=MAX_ANSWER_TOKENS,
                store=False,
            )
        except openai.OpenAIError as error:
            ours = _translated(error)
        except json.JSONDecodeError:
            ours = _bad_answer("no JSON under status 200")
        else:
            return _read(completion, self.model)
        raise ours


def _http_client(proxy_url: str | None, timeout_seconds: float) -> httpx2.Client:
    try:
        # A redirect would carry the texts to a host that nobody named.
        return httpx2.Client(
            proxy=proxy_url or None,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        )
    except (ValueError, TypeError, ImportError, httpx2.InvalidURL):
        pass
    # outside the handler: the text of the foreign error holds the proxy's password
    raise NotConfigured(
        "CHATGPT_PROXY_URL is no proxy address that can be used: expected http://user:password@host:port"
    )


def _read(completion: object, asked_model: str) -> ModelAnswer:
    # A page under status 200 comes back as a str, an error body as an object without choices (openai_api.md 1.7).
    if not isinstance(completion, ChatCompletion):
        raise _bad_answer("no chat completion")
    content = _json_object(_text(completion))
    usage: object = completion.usage
    counted = usage if isinstance(usage, CompletionUsage) else None
    return ModelAnswer(
        content=content,
        model=_code(completion.model) or asked_model,
        input_tokens=_count(counted.prompt_tokens) if counted else None,
        output_tokens=_count(counted.completion_tokens) if counted else None,
    )


def _text(completion: ChatCompletion) -> object:
    choice: object = completion.choices[0] if completion.choices else None
    if not isinstance(choice, Choice) or not isinstance(choice.message, ChatCompletionMessage):
        raise _bad_answer("no chat completion")
    if choice.message.refusal:
        raise _bad_answer("the model refused to answer")
    if choice.finish_reason != "stop":
        raise _bad_answer(f"unfinished ({_code(choice.finish_reason)})")
    return choice.message.content


def _json_object(text: object) -> dict[str, Any]:
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except (json.JSONDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _bad_answer("its content is no JSON object")
    return content


def _translated(error: openai.OpenAIError) -> ExportError:
    if isinstance(error, openai.APITimeoutError):
        return Temporary("the language model did not answer in time", code=ErrorCode.SUMMARY_FAILED)
    if isinstance(error, openai.APIStatusError):
        return _by_status(error)
    if isinstance(error, openai.APIConnectionError):
        if "407" in str(error.__cause__):  # a proxy's refusal of a tunnel has no class of its own
            return AccessDenied("the proxy refuses its user or password: check CHATGPT_PROXY_URL")
        return Temporary("no connection to the language model or its proxy", code=ErrorCode.SUMMARY_FAILED)
    return _bad_answer(f"the SDK could not read it ({type(error).__name__})")


def _by_status(error: openai.APIStatusError) -> ExportError:
    status = error.status_code
    what = f"the language model answered {status} {_code(error.code) or _code(error.type)}".rstrip()
    if {str(error.code), str(error.type)} & QUOTA_CODES or status == 402:
        return QuotaExhausted(f"{what}: top up the account or raise its limit, then resume the run")
    if status == 407:
        return AccessDenied("the proxy refuses its user or password: check CHATGPT_PROXY_URL")
    if status in (401, 403):
        return AccessDenied(f"{what}: check OPENAI_API_KEY and its right to use SUMMARY_MODEL")
    if status == 429:
        return Throttled(what, code=ErrorCode.SUMMARY_FAILED, retry_after=_hint(error.response.headers))
    if status in (408, 409) or status >= 500:
        return Temporary(what, code=ErrorCode.SUMMARY_FAILED, retry_after=_hint(error.response.headers))
    # A wrong SUMMARY_MODEL (404) ends here as well: it must not keep the texts of the run from being made.
    return Permanent(f"{what}: check SUMMARY_MODEL and OPENAI_BASE_URL", code=ErrorCode.SUMMARY_FAILED)


def _bad_answer(what: str) -> Permanent:
    return Permanent(f"the language model's answer is unusable: {what}", code=ErrorCode.SUMMARY_FAILED)


def _hint(headers: Mapping[str, str]) -> float | None:
    seconds = retry_after(headers)
    return None if seconds is None else min(seconds, LONGEST_HINT_SECONDS)


def _code(value: object) -> str:
    """The service's error code or model name if it looks like one: whatever else stands there may quote the request."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
