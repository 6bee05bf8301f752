"""What a task asks a language model, and what comes back: in words of no vendor."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from include.common.token_tariffs import tokens_of

MAX_RESPONSE_TOKENS = 8_000  # thinking included


@dataclass(frozen=True, slots=True)
class Access:
    """Where and as whom a provider is asked; None is the vendor's own address, no key, no proxy.

    `fingerprint` is a keyed hash of key and address: whether they have changed can be known, what they are cannot.
    """

    api_key: str | None
    base_url: str | None
    proxy_url: str | None
    fingerprint: str

    def __repr__(self) -> str:
        return f"Access(base_url={bool(self.base_url)}, proxy={bool(self.proxy_url)})"


@dataclass(frozen=True, slots=True)
class Question:
    """`data` is a stranger's text, sent apart from `instructions`; the response must be JSON that follows `schema`.

    `subject` is for the log of requests: the checksum of a text, never a text.
    """

    task: str
    instructions: str
    data: str
    schema_name: str
    schema: Mapping[str, Any]
    subject: str = ""

    @property
    def input_tokens(self) -> int:
        """An estimate that is rather too high, for forecasts and limits."""
        return tokens_of(len(self.instructions) + len(self.data) + len(str(dict(self.schema))))


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is billed. `content` is a JSON object that nothing has checked yet, None if there is none.

    `cost` is USD. `counted` is False where the service named no tokens and they are estimated. `fault` says in a few of
    our words why `content` is missing; `refused`: the model or its filter declined to answer.
    """

    provider: str
    model: str
    asked_model: str
    content: dict[str, Any] | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    counted: bool
    cost: Decimal
    latency_ms: int
    fault: str = ""
    refused: bool = False


class Outcome(StrEnum):
    """What became of one request, as `llm_requests.outcome` says it."""

    OK = "ok"
    NOT_SENT = "not_sent"  # refused, no DNS, no connection: nothing can have been billed
    BROKEN = "broken"  # after sending: no answer in time, 5xx, a page, half a body; it may be billed
    THROTTLED = "throttled"
    EXHAUSTED = "exhausted"  # the account is empty or over its limit
    MISCONFIGURED = "misconfigured"  # bad key, no right, no such model
    REJECTED = "rejected"  # the request itself is wrong
    TOO_LONG = "too_long"
    REFUSED = "refused"
    BAD_ANSWER = "bad_answer"
    PROXY_REFUSES = "proxy_refuses"


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a usable response; `reason` is ours or the service's code, never its sentence."""

    outcome: Outcome
    reason: str
    http_status: int | None = None
    retry_after: float | None = None
    latency_ms: int = 0

    @property
    def maybe_paid(self) -> bool:
        return self.outcome is Outcome.BROKEN
