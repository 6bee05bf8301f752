"""The simulator of the Messages API, asked by the vendor's own client."""

from collections.abc import Iterator

import anthropic
import pytest

from simulators.anthropic import errors
from simulators.anthropic.app import KEY, MessagesSimulator
from simulators.kit.in_process import running

SCHEMA = {"type": "object", "properties": {"word": {"enum": ["yes", "no"]}}, "required": ["word"]}


@pytest.fixture
def simulator() -> Iterator[tuple[MessagesSimulator, anthropic.Anthropic]]:
    simulated = MessagesSimulator()
    with running(simulated) as url, anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0) as client:
        yield simulated, client


def ask(client: anthropic.Anthropic) -> anthropic.types.Message:
    return client.messages.create(
        model="claude-haiku-5-5",
        max_tokens=100,
        system="Choose.",
        messages=[{"role": "user", "content": "Words."}],
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )


def test_the_vendor_s_client_reads_the_answer(simulator: tuple[MessagesSimulator, anthropic.Anthropic]) -> None:
    _, client = simulator
    message = ask(client)
    assert (message.stop_reason, message.role, message.model) == ("end_turn", "assistant", "claude-haiku-5-5")
    (block,) = message.content
    assert block.type == "text"
    assert block.text == '{"word": "yes"}'
    assert message.usage.input_tokens > 0
    assert "claude-haiku-5-5" in [model.id for model in client.models.list()]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.wrong_key(), anthropic.AuthenticationError),
        (errors.no_money(), anthropic.BadRequestError),
        (errors.unknown_model("x"), anthropic.NotFoundError),
        (errors.too_often(3), anthropic.RateLimitError),
        (errors.overloaded(), anthropic.APIStatusError),
    ],
)
def test_the_vendor_s_client_knows_the_errors(
    simulator: tuple[MessagesSimulator, anthropic.Anthropic],
    error: errors.MessagesError,
    kind: type[anthropic.APIStatusError],
) -> None:
    simulated, client = simulator
    body = error.as_dict("req_1")
    simulated.faults.add("messages", "status", status=error.status, body=body, headers=error.headers)
    with pytest.raises(kind) as caught:
        ask(client)
    assert caught.value.status_code == error.status
    assert caught.value.body == body


def test_a_wrong_key_is_refused_by_itself(simulator: tuple[MessagesSimulator, anthropic.Anthropic]) -> None:
    simulated, client = simulator
    simulated.key = "another"
    with pytest.raises(anthropic.AuthenticationError):
        ask(client)
