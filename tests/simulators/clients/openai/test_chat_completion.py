"""The language model's client against a server on loopback: its requests, the responses that it accepts, its errors."""

import json
import socket
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from include.calls.domain.summaries import answer_schema, checked_summary
from include.clients.openai.chat_completion import LanguageModel, ModelResponse, TokenUsage, UnusableResponse
from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    Temporary,
    Throttled,
)
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator

KEY = "sk-test-0123456789"
SCHEMA = answer_schema(["заказ", "оплата"])
CONTENT = {
    "summary": "Клиент спросил о сроке.",
    "topics": [],
    "objections": [],
    "next_steps": [],
    "tags": [],
    "free_tags": [],
}


def completion(content: object = None, **choice: Any) -> dict[str, Any]:
    """A chat completion as the service sends it; `choice` overrides fields of its only choice."""
    text = json.dumps(CONTENT, ensure_ascii=False) if content is None else content
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None} | choice],
        "usage": {"prompt_tokens": 812, "completion_tokens": 207, "total_tokens": 1019},
    }


def refusal(kind: str | None, code: str | None, message: str = "No.") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@dataclass
class Service:
    """Sends prepared responses in turn and keeps the requests."""

    responses: deque[tuple[int, bytes, dict[str, str]]] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def will_respond(self, body: object, status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/html" if isinstance(body, str) and body.startswith("<") else "application/json"
        self.responses.append(
            (status, data, {"content-type": kind} | {k.replace("_", "-"): v for k, v in headers.items()})
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.paths.append(scope["path"])
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        self.requests.append(json.loads(body))
        status, data, headers = self.responses.popleft()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": data})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def model(service: Service) -> Iterator[LanguageModel]:
    with running(service) as url, language_model(url) as client:
        yield client


def language_model(url: str, *, proxy_url: str | None = None, timeout_seconds: float = 5.0) -> LanguageModel:
    return LanguageModel(
        api_key=KEY, base_url=f"{url}/v1", model="gpt-5-mini", proxy_url=proxy_url, timeout_seconds=timeout_seconds
    )


def ask(model: LanguageModel) -> ModelResponse:
    return model.ask(instructions="Правила", data="Текст звонка", schema_name="summary_v1", schema=SCHEMA)


def everything_shown(error: BaseException) -> str:
    """All that a log could show of an exception, its chain included."""
    linked = [repr(link) for link in (error.__cause__, error.__context__) if link is not None]
    return "".join(traceback.format_exception(error)) + repr(error.args) + "".join(linked)


def test_the_transcript_is_a_message_of_its_own(service: Service, model: LanguageModel):
    """Apart from the instructions; the response must follow the schema strictly."""
    service.will_respond(completion())
    ask(model)
    (sent,) = service.requests
    assert sent["messages"] == [{"role": "system", "content": "Правила"}, {"role": "user", "content": "Текст звонка"}]
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "summary_v1", "strict": True, "schema": SCHEMA},
    }
    assert sent["model"] == "gpt-5-mini"
    assert sent["store"] is False
    assert sent["max_completion_tokens"] > 0
    assert service.headers[0]["authorization"] == f"Bearer {KEY}"


def test_the_answer_comes_with_the_tokens_it_cost_and_the_model_that_gave_it(service: Service, model: LanguageModel):
    service.will_respond(completion())
    assert ask(model) == ModelResponse(CONTENT, TokenUsage("gpt-5-mini-2025-08-07", 812, 207))


def test_a_server_that_counts_no_tokens_is_believed_all_the_same(service: Service, model: LanguageModel):
    service.will_respond({key: value for key, value in completion().items() if key != "usage"})
    assert ask(model).usage.input_tokens is None


def test_a_servers_odd_name_for_its_model_is_not_taken_over(service: Service, model: LanguageModel):
    service.will_respond(completion() | {"model": "<b>\x00model</b>"})
    assert ask(model).usage.model == "gpt-5-mini"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, refusal("invalid_request_error", "invalid_api_key", f"Incorrect API key provided: {KEY}"), AccessDenied),
        (403, refusal(None, "unsupported_country"), AccessDenied),
        (407, "<html>proxy</html>", AccessDenied),
        (429, refusal("insufficient_quota", "insufficient_quota"), QuotaExhausted),
        (429, refusal("insufficient_quota", None), QuotaExhausted),
        (429, refusal(None, "credit_balance_exhausted"), QuotaExhausted),
        (402, "<html>payment required</html>", QuotaExhausted),
        (403, refusal(None, "project_spend_limit_exceeded"), QuotaExhausted),
        (429, refusal("requests", "rate_limit_exceeded"), Throttled),
        (429, "<html>slow down</html>", Throttled),
        (400, refusal("invalid_request_error", "context_length_exceeded"), Permanent),
        (404, refusal("invalid_request_error", "model_not_found"), Permanent),
        (302, "<html>moved</html>", Permanent),
        (408, "<html>timeout</html>", Temporary),
        (500, refusal("server_error", None), Temporary),
        (500, {"error": {"type": {"odd": []}, "code": ["odd"], "message": {}}}, Temporary),
        (500, {"error": "odd"}, Temporary),
        (503, refusal("service_unavailable_error", "server_is_overloaded"), Temporary),
        (502, "<html>cloudflare</html>", Temporary),
    ],
)
def test_each_refusal_has_its_error(
    service: Service, model: LanguageModel, status: int, body: object, expected: type[ExportError]
):
    service.will_respond(body, status)
    with pytest.raises(ExportError) as caught:
        ask(model)
    assert type(caught.value) is expected
    assert len(service.requests) == 1, "the SDK's own retries must be off: each may be paid"
    if not issubclass(expected, AccessDenied | QuotaExhausted):
        assert caught.value.code is ErrorCode.SUMMARY_FAILED
    shown = everything_shown(caught.value)
    assert "127.0.0.1" not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("header", "seconds"), [("20", 20.0), ("99999999", 3600.0), ("-5", None), ("nan", None), ("soon", None)]
)
def test_the_servers_hint_to_wait_is_limited(
    service: Service, model: LanguageModel, header: str, seconds: float | None
):
    """At most an hour."""
    service.will_respond(refusal("requests", "rate_limit_exceeded"), 429, retry_after=header)
    with pytest.raises(Throttled) as caught:
        ask(model)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        "<html>a page under status 200</html>",
        "not json",
        "",
        "null",
        "[]",
        {"error": {"message": "an error under status 200"}},
        {"choices": []},
        {"choices": ["text"]},
        {"choices": [{"index": 0, "finish_reason": "stop", "message": None}]},
        completion("not json"),
        completion("[]"),
        completion("[" * 100_000),
        completion(""),
        completion(17),
        completion(finish_reason="length"),
        completion(finish_reason="content_filter"),
        completion(message={"role": "assistant", "content": None, "refusal": "I can't help with that."}),
    ],
    ids=lambda body: str(body)[:40],
)
def test_an_unfinished_response_is_an_error(service: Service, model: LanguageModel, body: object):
    """Only a finished JSON object may become a summary."""
    service.will_respond(body)
    with pytest.raises(Permanent) as caught:
        ask(model)
    assert caught.value.code is ErrorCode.SUMMARY_FAILED
    assert len(everything_shown(caught.value)) < 4000, "the response itself is not quoted"


@pytest.mark.parametrize(
    ("body", "characters"),
    [
        (completion("not json"), 8),
        (completion(finish_reason="length"), None),
        (completion(message={"role": "assistant", "content": None, "refusal": "No."}), 3),
    ],
    ids=["no JSON", "cut", "refused"],
)
def test_an_unusable_response_says_what_it_cost(
    service: Service, model: LanguageModel, body: object, characters: int | None
):
    """It is billed like any other one."""
    service.will_respond(body)
    with pytest.raises(UnusableResponse) as caught:
        ask(model)
    assert caught.value.usage == TokenUsage("gpt-5-mini-2025-08-07", 812, 207)
    assert characters is None or caught.value.characters == characters


def test_a_server_that_is_away_is_temporary_and_its_address_is_not_told():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with language_model(f"http://127.0.0.1:{port}") as model, pytest.raises(Temporary) as caught:
        ask(model)
    assert caught.value.code is ErrorCode.SUMMARY_FAILED
    assert str(port) not in everything_shown(caught.value)
    assert caught.value.__context__ is None


def test_a_silent_server_is_temporary():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with language_model(url, timeout_seconds=0.2) as model, pytest.raises(Temporary, match="in time") as caught:
            ask(model)
    assert caught.value.code is ErrorCode.SUMMARY_FAILED


def test_with_a_proxy_every_request_goes_through_it(service: Service):
    service.will_respond(completion())
    with running(service) as proxy, language_model("http://model.invalid", proxy_url=proxy) as model:
        ask(model)
    assert service.paths == ["http://model.invalid/v1/chat/completions"]


def test_without_the_proxy_nothing_is_sent(service: Service):
    """No request bypasses a proxy that is down."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy = f"http://user:hidden-word@127.0.0.1:{closed.getsockname()[1]}"
    with running(service) as url, language_model(url, proxy_url=proxy) as model, pytest.raises(Temporary) as caught:
        ask(model)
    assert service.requests == []
    assert "hidden-word" not in everything_shown(caught.value)


def test_the_environments_proxy_is_not_used(service: Service, model: LanguageModel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    service.will_respond(completion())
    assert ask(model).content == CONTENT


@pytest.mark.parametrize(
    "proxy", ["gopher://user:hidden-word@127.0.0.1:1", "http://user:hidden-word@[::1", "socks9://x"]
)
def test_a_bad_proxy_is_named_by_its_setting(proxy: str):
    """Its address, which may hold a password, is not shown."""
    with pytest.raises(NotConfigured, match="CHATGPT_PROXY_URL") as caught:
        language_model("http://127.0.0.1:1", proxy_url=proxy)
    assert "hidden-word" not in everything_shown(caught.value)
    assert caught.value.__context__ is None


def test_the_simulators_summary_is_accepted():
    """It passes the checks of a real one and says that it is simulated."""
    simulator = RecogniserSimulator(key=KEY)
    with running(simulator) as url, language_model(url) as model:
        summary = checked_summary(ask(model).content, ["заказ", "оплата"], 5)
    assert "имул" in summary.summary.lower()
    assert summary.tags[0] == "заказ"
