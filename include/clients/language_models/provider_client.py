"""One request to one provider over pydantic-ai, exactly once: neither the SDKs nor the library try again.

The library gives one tree of errors for the vendors' formats; here it becomes our `Outcome`. Its exceptions hold
addresses and quotes of the request, so nothing of their text is kept. The optional packages are imported with this
module.
"""

import asyncio
import json
import re
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import anthropic
import httpx2
import openai
from pydantic_ai import ModelRequest, ModelResponse, TextPart
from pydantic_ai import exceptions as raised
from pydantic_ai.direct import model_request
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from include.clients.language_models.prices import Tokens, cost
from include.clients.language_models.question import (
    MAX_RESPONSE_TOKENS,
    Access,
    Failure,
    Outcome,
    Question,
    Reply,
)
from include.clients.language_models.routing_table import Provider
from include.clients.openai.client import CONNECT_SECONDS, VENDOR, certificates, retry_after
from include.common.errors import NotConfigured
from include.common.token_tariffs import tokens_of

ANTHROPIC = "https://api.anthropic.com"
_CODE = re.compile(r"[a-z0-9_.:/-]{1,60}", re.IGNORECASE)
_OUT_OF_MONEY = re.compile(r"credit balance|billing|quota|spend[_ ]limit", re.IGNORECASE)
_Result = TypeVar("_Result")


class ProviderClient:
    """Not for several threads at once: it has an event loop of its own. `with` closes it."""

    def __init__(self, name: str, provider: Provider, access: Access) -> None:
        """Raises NotConfigured for an address that is none."""
        self.name, self.provider = name, provider
        self._proxied = bool(access.proxy_url)
        self._runner = asyncio.Runner()
        made = True
        try:
            self._transport = httpx2.AsyncClient(
                verify=certificates(),
                proxy=access.proxy_url or None,
                trust_env=False,  # the machine's own proxy would be a way around ours
                follow_redirects=False,
                timeout=httpx2.Timeout(provider.timeout_seconds, connect=CONNECT_SECONDS),
            )
            self._model = _model(provider, access, self._transport)
        except (ValueError, TypeError, ImportError, httpx2.InvalidURL):
            made = False
        if not made:  # outside the handler: the foreign error holds the address, a password included
            self._runner.close()
            raise NotConfigured(
                f"the provider {name} has no usable address or proxy: check its connection {provider.connection}",
                problem="llm_bad_address",
                provider=name,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._run(self._transport.aclose())
        finally:
            self._runner.close()

    def ask(self, question: Question) -> Reply | Failure:
        """One request. A billed response without a usable object is a Reply with a `fault`; the rest is a Failure."""
        began = time.monotonic()
        try:
            response = self._run(
                model_request(
                    self._model,
                    [ModelRequest.user_text_prompt(question.data, instructions=question.instructions)],
                    model_settings=_settings(self.provider),
                    model_request_parameters=ModelRequestParameters(
                        output_mode="native",
                        output_object=OutputObjectDefinition(
                            json_schema=dict(question.schema), name=question.schema_name, strict=True
                        ),
                    ),
                )
            )
        except raised.AgentRunError as error:
            failure = _failure(error, _since(began), proxied=self._proxied)
        except (json.JSONDecodeError, openai.OpenAIError, anthropic.AnthropicError) as error:
            failure = Failure(Outcome.BROKEN, type(error).__name__, latency_ms=_since(began))
        else:
            return self._reply(question, response, _since(began))
        return failure

    def _reply(self, question: Question, response: ModelResponse, latency_ms: int) -> Reply:
        text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
        used = response.usage
        counted = bool(used.input_tokens or used.output_tokens)
        tokens = Tokens(
            input=used.input_tokens if counted else question.input_tokens,
            cached_input=used.cache_read_tokens,
            output=used.output_tokens if counted else tokens_of(len(text)),
        )
        refused = response.finish_reason == "content_filter"
        content = None if refused else _json_object(text)
        fault = ""
        if refused:
            fault = "refused"
        elif response.finish_reason not in ("stop", None):
            content, fault = None, f"unfinished_{_word(response.finish_reason)}"
        elif content is None:
            fault = "no_json_object"
        answered = _word(response.model_name) or self.provider.model
        return Reply(
            provider=self.name,
            model=answered,
            asked_model=self.provider.model,
            content=content,
            input_tokens=tokens.input,
            cached_tokens=tokens.cached_input,
            output_tokens=tokens.output,
            counted=counted,
            cost=cost(self.provider, answered, tokens),
            latency_ms=latency_ms,
            fault=fault,
            refused=refused,
        )

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._runner.run(work)


def _model(provider: Provider, access: Access, transport: httpx2.AsyncClient) -> Model[Any]:
    if provider.type == "anthropic":
        client = anthropic.AsyncAnthropic(
            api_key=access.api_key or "none",
            base_url=access.base_url or ANTHROPIC,
            max_retries=0,
            http_client=transport,
        )
        return AnthropicModel(provider.model, provider=AnthropicProvider(anthropic_client=client))
    spoken = openai.AsyncOpenAI(
        api_key=access.api_key or "none",
        base_url=access.base_url or VENDOR,
        max_retries=0,
        http_client=transport,
    )
    return OpenAIChatModel(provider.model, provider=OpenAIProvider(openai_client=spoken))


def _settings(provider: Provider) -> AnthropicModelSettings | OpenAIChatModelSettings:
    """Nothing rests on a temperature: newer models refuse it."""
    if provider.type == "anthropic":
        return AnthropicModelSettings(
            max_tokens=MAX_RESPONSE_TOKENS, timeout=provider.timeout_seconds, anthropic_cache_instructions=True
        )
    return OpenAIChatModelSettings(max_tokens=MAX_RESPONSE_TOKENS, timeout=provider.timeout_seconds, openai_store=False)


def _failure(error: raised.AgentRunError, latency_ms: int, *, proxied: bool) -> Failure:
    if not isinstance(error, raised.ModelAPIError):  # a page under status 200, a body without choices
        return Failure(Outcome.BROKEN, "unreadable_response", latency_ms=latency_ms)
    status = error.status_code if isinstance(error, raised.ModelHTTPError) else None
    outcome = _outcome(error, status, proxied=proxied)
    reason = _word(error.provider_error_code) or _word(error.provider_error_type) or type(error).__name__
    return Failure(outcome, reason, status, _wait(error), latency_ms)


def _outcome(error: raised.ModelAPIError, status: int | None, *, proxied: bool) -> Outcome:
    """The first line that fits; the library's classes overlap."""
    named = f"{error.provider_error_code} {error.provider_error_type}"
    too_often = isinstance(error, raised.ModelRateLimitError)
    unsent = isinstance(error, raised.ModelConnectionError) and error.phase in ("pool", "connect")
    wrong_account = isinstance(error, raised.ModelAuthenticationError | raised.ModelNotFoundError)
    rejected = isinstance(error, raised.ModelRequestRejectedError) and status not in (408, 409)
    fits = {
        Outcome.PROXY_REFUSES: status == 407 or (proxied and "407" in str(error.__cause__)),
        Outcome.NOT_SENT: unsent,
        Outcome.EXHAUSTED: isinstance(error, raised.ModelQuotaExceededError)
        or status == 402
        or (too_often and bool(_OUT_OF_MONEY.search(named))),
        Outcome.THROTTLED: too_often,
        Outcome.MISCONFIGURED: wrong_account,
        Outcome.TOO_LONG: isinstance(error, raised.ModelContextWindowExceededError),
        Outcome.REJECTED: rejected,
    }
    return next((outcome for outcome, fit in fits.items() if fit), Outcome.BROKEN)


def _wait(error: raised.ModelAPIError) -> float | None:
    headers = error.headers if isinstance(error, raised.ModelHTTPError) else None
    return retry_after(headers or {}) or error.retry_after


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _word(value: object) -> str:
    """The service's code or model name if it looks like one: any other text may quote the request."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
