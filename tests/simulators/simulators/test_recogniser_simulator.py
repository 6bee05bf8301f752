"""The simulated recogniser speaks OpenAI's wire format, limits and errors included; checked with OpenAI's client."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import openai
import pytest
import requests

from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from simulators.openai.scorecard_judge import answer_by_text
from simulators.openai.text_model import chat_completion
from simulators.sound.dialogues import record_briefly
from simulators.sound.encoding import encode

AUDIO = record_briefly(1)
MARK = "[симуляция]"


def silence(seconds: float) -> bytes:
    return encode(np.zeros(int(seconds * 8000), np.int16), "mp3" if seconds > 1 else "wav")


class Client:
    def __init__(self, simulator: RecogniserSimulator, url: str) -> None:
        self.simulator, self.url = simulator, url
        self.sdk = openai.OpenAI(api_key=simulator.key, base_url=f"{url}/v1", max_retries=0, timeout=20)

    def transcribe(self, audio: bytes = AUDIO, *, filename: str = "call.mp3", **fields: Any) -> Any:
        fields.setdefault("model", "gpt-transcribe")
        return self.sdk.audio.transcriptions.create(file=(filename, audio, "audio/mpeg"), **fields)

    def refusal(self, audio: bytes = AUDIO, **fields: Any) -> dict[str, Any]:
        with pytest.raises(openai.APIStatusError) as caught:
            self.transcribe(audio, **fields)
        assert isinstance(caught.value.body, dict)
        return {"status": caught.value.status_code, **caught.value.body}


@pytest.fixture
def simulator() -> RecogniserSimulator:
    return RecogniserSimulator()


@pytest.fixture
def client(simulator: RecogniserSimulator) -> Iterator[Client]:
    with running(simulator) as url:
        made = Client(simulator, url)
        yield made
        made.sdk.close()


def test_gpt_transcribe_response(client: Client) -> None:
    """Text, languages and billed seconds."""
    response = client.transcribe(extra_body={"languages": ["ru"], "keywords": ["доставка"]})
    assert response.text.startswith(MARK)
    assert [item.code for item in response.languages] == ["ru"]
    assert (response.usage.type, response.usage.seconds) == ("duration", 2)


def test_the_text_depends_on_the_bytes_alone(client: Client) -> None:
    first, again, *others = (
        client.transcribe(audio).text for audio in (AUDIO, AUDIO, *map(record_briefly, range(2, 6)))
    )
    assert first == again
    assert set(others) != {first}, "a dozen sentences: one other recording may have the same"


def test_whisper_1_response(client: Client) -> None:
    """Segments, and the English name of the language."""
    response = client.transcribe(silence(20), model="whisper-1", response_format="verbose_json")
    assert response.language == "russian"
    assert response.duration == pytest.approx(20, abs=0.2)
    assert response.text == " ".join(segment.text.strip() for segment in response.segments)
    assert [segment.end for segment in response.segments[:-1]] == [segment.start for segment in response.segments[1:]]


@pytest.mark.parametrize("response_format", ["text", "srt", "vtt"])
def test_every_plain_format_carries_the_mark(client: Client, response_format: str) -> None:
    assert MARK in client.transcribe(model="whisper-1", response_format=response_format)


def test_diarization_response(client: Client) -> None:
    """Speakers have names; long audio needs a chunking strategy."""
    model = "gpt-4o-transcribe-diarize"
    response = client.transcribe(silence(20), model=model, response_format="diarized_json")
    assert {segment.speaker for segment in response.segments} == {"A", "B"}
    assert client.refusal(silence(31), model=model)["param"] == "chunking_strategy"
    assert client.transcribe(silence(31), model=model, chunking_strategy="auto").text.startswith(MARK)


@pytest.mark.parametrize(
    ("model", "fields", "param", "code"),
    [
        ("gpt-transcribe", {"response_format": "verbose_json"}, "response_format", "unsupported_value"),
        ("gpt-4o-transcribe", {"response_format": "verbose_json"}, "response_format", "unsupported_value"),
        ("gpt-4o-transcribe-diarize", {"prompt": "Заказ"}, "prompt", "unsupported_value"),
        ("whisper-1", {"extra_body": {"keywords": ["а"]}}, "keywords", "unsupported_value"),
        ("gpt-transcribe", {"language": "ru", "extra_body": {"languages": ["ru"]}}, "language", "invalid_value"),
        ("gpt-transcribe", {"extra_body": {"keywords": ["<b>"]}}, "keywords", "invalid_value"),
        (
            "whisper-1",
            {"response_format": "json", "timestamp_granularities": ["segment"]},
            "timestamp_granularities",
            "invalid_value",
        ),
    ],
)
def test_unsupported_fields_are_refused(
    client: Client, model: str, fields: dict[str, Any], param: str, code: str
) -> None:
    refused = client.refusal(model=model, **fields)
    assert (refused["status"], refused["param"], refused["code"]) == (400, param, code)


def test_unknown_and_retired_models(client: Client) -> None:
    assert client.refusal(model="gpt-5-ears")["code"] == "model_not_found"
    client.simulator.retired.add("whisper-1")
    assert client.refusal(model="whisper-1")["status"] == 404


def test_a_wrong_key_is_masked_in_the_response(client: Client) -> None:
    client.sdk.api_key = "sk-wrong-key-0123456789"
    refused = client.refusal()
    assert (refused["status"], refused["code"]) == (401, "invalid_api_key")
    assert "sk-wrong-key-0123456789" not in refused["message"]


@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
def test_an_empty_account(client: Client, code: str) -> None:
    client.simulator.no_money = code
    refused = client.refusal()
    assert (refused["status"], refused["type"], refused["code"]) == (429, "insufficient_quota", code)


def test_too_many_requests_state_the_wait(client: Client) -> None:
    client.simulator.requests_per_minute = 2
    statuses = [_status(client) for _ in range(3)]
    assert statuses == [200, 200, 429]
    with pytest.raises(openai.RateLimitError) as caught:
        client.transcribe()
    assert caught.value.code == "rate_limit_exceeded"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def _status(client: Client) -> int:
    try:
        client.transcribe()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def test_audio_that_cannot_be_used(client: Client) -> None:
    assert client.refusal(AUDIO, filename="call")["message"].startswith("Invalid file format.")
    assert client.refusal(b"not audio" * 100)["message"] == "Audio file might be corrupted or unsupported"
    short = silence(0.05)
    assert client.refusal(short, filename="a.wav", model="whisper-1")["code"] == "audio_too_short"
    assert "is shorter than 0.1 seconds" in client.refusal(short, filename="a.wav")["message"]


def test_1400_seconds_limit_the_gpt_4o_family(client: Client) -> None:
    """Other models accept longer audio."""
    long = silence(1401)
    refused = client.refusal(long, model="gpt-4o-transcribe")
    assert refused["code"] == "invalid_value"
    assert "is longer than 1400 seconds which is the maximum for this model" in refused["message"]
    assert client.transcribe(long).usage.seconds in (1401, 1402)


def test_the_request_may_have_25_megabytes(client: Client) -> None:
    refused = client.refusal(b"\0" * 26_214_400)
    assert (refused["status"], refused["type"], refused["code"]) == (413, "server_error", None)
    assert refused["message"].startswith("413: Maximum content size limit (26214400) exceeded (")


def test_latency_grows_with_the_audio(client: Client) -> None:
    client.simulator.latency_per_minute = 3.0
    long = silence(12)
    started = time.monotonic()
    client.transcribe(long)
    assert time.monotonic() - started >= 0.6


def test_the_journal_names_the_audio(client: Client) -> None:
    """By its SHA-256."""
    client.simulator.latency_per_minute = 10.0
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: client.transcribe(), range(3)))
    entries = client.simulator.journal.entries("transcriptions")
    assert len({entry.subject for entry in entries}) == 1
    assert client.simulator.journal.count("transcriptions", subject=entries[0].subject, status=200) == 3
    assert client.simulator.journal.peak("transcriptions") == 3
    assert entries[0].detail["model"] == "gpt-transcribe"


def test_faults_reach_the_client(client: Client) -> None:
    overloaded = {
        "error": {"message": "Overloaded", "type": "service_unavailable_error", "code": "server_is_overloaded"}
    }
    client.simulator.faults.add("transcriptions", "status", status=503, body=overloaded)
    assert client.refusal()["code"] == "server_is_overloaded"
    client.simulator.faults.add("transcriptions", "html200")
    assert isinstance(client.transcribe(), str)  # the SDK returns a page as if it were a response
    client.simulator.faults.add("transcriptions", "drop_connection")
    with pytest.raises(openai.APIConnectionError):
        client.transcribe()
    assert client.transcribe().text.startswith(MARK)


SCHEMA = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["доставка", "возврат"]}, "minItems": 1},
        "score": {"type": "integer", "minimum": 1},
        "next_step": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["summary", "tags", "score", "next_step"],
}
EXPECTED = {"summary": f"{MARK} summary", "tags": ["доставка"], "score": 1, "next_step": f"{MARK} next_step"}


def test_chat_completions_fit_the_schema(client: Client) -> None:
    described = {"type": "json_schema", "json_schema": {"name": "call", "schema": SCHEMA, "strict": True}}
    response = client.sdk.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "..."}], response_format=described
    )
    assert json.loads(response.choices[0].message.content) == EXPECTED
    plain = client.sdk.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "..."}])
    assert plain.choices[0].message.content.startswith(MARK)


def test_responses_fit_the_schema(client: Client) -> None:
    described = {"format": {"type": "json_schema", "name": "call", "schema": SCHEMA, "strict": True}}
    response = client.sdk.responses.create(model="gpt-5-mini", input="...", text=described)
    assert json.loads(response.output_text) == EXPECTED


def test_a_request_without_a_key(client: Client) -> None:
    assert requests.get(f"{client.url}/v1/models", timeout=10).status_code == 401
    assert "gpt-transcribe" in {model.id for model in client.sdk.models.list()}


def test_a_question_without_a_schema_is_answered_beside_scorecards() -> None:
    """The simulator of the demo answers scorecards; what asks without a schema gets its usual words."""
    asked = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Привет"}]}
    found = chat_completion(asked, 1, 0.0, writes=answer_by_text)
    assert found["choices"][0]["message"]["content"].startswith("[симуляция]")
