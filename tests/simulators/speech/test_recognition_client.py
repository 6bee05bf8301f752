"""The recogniser client against the simulated service: requests, proxy and results."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    ServerFault,
    Temporary,
    Throttled,
)
from include.speech.recognition import RecognitionResponse
from include.speech.recognition_client import Recogniser, RecogniserSettings
from simulators.kit.in_process import running
from simulators.openai.app import KEY, RecogniserSimulator
from simulators.proxy import ProxySimulator, proxying
from tests.unit.speech.audio.synth import voice, wav

PASSWORD = "secret-of-the-proxy"


@pytest.fixture
def service() -> Iterator[tuple[RecogniserSimulator, str]]:
    simulator = RecogniserSimulator()
    with running(simulator) as url:
        yield simulator, f"{url}/v1"


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return wav(tmp_path / "piece.wav", voice(2.0))


def ask(
    url: str, audio: Path, *, seconds: float = 2.0, model: str = "gpt-transcribe", **options: Any
) -> RecognitionResponse:
    hints = {name: options.pop(name) for name in ("languages", "keywords", "prompt") if name in options}
    settings = RecogniserSettings(**{"model": model, "api_key": KEY, "base_url": url, **options})
    with Recogniser(settings) as recogniser:
        return recogniser.recognise(audio, filename="p.wav", content_type="audio/wav", seconds=seconds, **hints)


def failure(url: str, audio: Path, **options: Any) -> ExportError:
    with pytest.raises(ExportError) as caught:
        ask(url, audio, **options)
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (KEY, PASSWORD, url.split("//")[1]):
        assert secret not in shown, "neither in the message nor in its cause"
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value


def sent_fields(simulator: RecogniserSimulator) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = simulator.journal.entries("transcriptions")[-1].detail["fields"]
    return fields


def test_a_piece_becomes_text(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    found = ask(service[1], audio, languages=["ru"])
    assert "[симуляция]" in found.text
    assert (found.language, found.model, found.usage["seconds"]) == ("ru", "gpt-transcribe", 2)
    assert (found.request_id or "").startswith("req_")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-transcribe", {"response_format", "languages[]", "keywords[]", "prompt"}),
        ("whisper-1", {"response_format", "language", "prompt", "timestamp_granularities[]"}),
        ("gpt-4o-transcribe", {"response_format", "language", "prompt"}),
        ("gpt-4o-transcribe-diarize", {"response_format", "language"}),
    ],
)
def test_each_model_gets_the_fields_that_it_takes(
    service: tuple[RecogniserSimulator, str], audio: Path, model: str, expected: set[str]
) -> None:
    simulator, url = service
    ask(url, audio, model=model, languages=["ru"], keywords=["Битрикс24"], prompt="Звонок")
    assert set(sent_fields(simulator)) == {"model", *expected}


def test_several_languages_are_a_list_or_nothing(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    ask(url, audio, languages=["ru", "kk"])
    assert sent_fields(simulator)["languages[]"] == ["ru", "kk"]
    ask(url, audio, model="whisper-1", languages=["ru", "kk"])
    assert "language" not in sent_fields(simulator)


def test_a_bad_keyword_does_not_refuse_the_request(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    ask(url, audio, keywords=["<b>Рога\nи копыта</b>", " ", "\r\n"])
    assert sent_fields(simulator)["keywords[]"] == ["b Рога и копыта /b"]


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_keywords_go_into_the_prompt_without_a_field(
    service: tuple[RecogniserSimulator, str], audio: Path, model: str
) -> None:
    simulator, url = service
    ask(url, audio, model=model, keywords=["Битрикс24", " ", "<СБП>"], prompt="Звонок.")
    assert sent_fields(simulator)["prompt"] == ["Звонок. Битрикс24, СБП"]
    ask(url, audio, model=model, keywords=["Битрикс24"])
    assert sent_fields(simulator)["prompt"] == ["Битрикс24"]


def test_keywords_in_a_prompt_are_whole_and_bounded(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    ask(url, audio, model="whisper-1", keywords=[f"слово{n}" for n in range(1000)], prompt="Звонок.")
    (sent,) = sent_fields(simulator)["prompt"]
    assert 300 < len(sent) <= 408
    assert set(sent.removeprefix("Звонок. ").split(", ")) <= {f"слово{n}" for n in range(1000)}


def test_the_prompt_is_unchanged_if_keywords_have_a_field(
    service: tuple[RecogniserSimulator, str], audio: Path
) -> None:
    simulator, url = service
    ask(url, audio, keywords=["Битрикс24"], prompt="Звонок.")
    assert sent_fields(simulator)["prompt"] == ["Звонок."]


def test_segments_of_models_that_give_them(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    assert ask(service[1], audio, model="whisper-1").segments[0].end > 0
    assert ask(service[1], audio, model="gpt-4o-transcribe-diarize").segments[0].speaker


def test_long_audio_for_the_diarizing_model_is_chunked(
    service: tuple[RecogniserSimulator, str], tmp_path: Path
) -> None:
    simulator, url = service
    ask(url, wav(tmp_path / "a.wav", voice(31)), seconds=31, model="gpt-4o-transcribe-diarize")
    assert sent_fields(simulator)["chunking_strategy"] == ["auto"]


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"kind": "html200"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "empty"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "truncate"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "short"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "drop_connection"}, Temporary, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "hang", "seconds": 5.0}, Temporary, ErrorCode.STT_TIMEOUT),
        ({"kind": "status", "status": 500}, ServerFault, ErrorCode.STT_UNAVAILABLE),
        ({"kind": "status", "status": 413}, Permanent, ErrorCode.STT_REJECTED),
    ],
)
def test_a_failed_request_is_not_repeated(
    service: tuple[RecogniserSimulator, str], audio: Path, fault: dict[str, Any], kind: type, code: ErrorCode
) -> None:
    """A request that the SDK repeats is paid for twice."""
    simulator, url = service
    simulator.faults.add("transcriptions", **fault)
    found = failure(url, audio, timeout_sec=1.0)
    assert (type(found), found.code) == (kind, code)
    assert simulator.journal.count("transcriptions") == 1


def test_refusals_of_the_service(service: tuple[RecogniserSimulator, str], audio: Path, tmp_path: Path) -> None:
    simulator, url = service
    assert isinstance(failure(url, audio, api_key="sk-wrong"), AccessDenied)
    assert isinstance(failure(url, audio, model="whisper-9"), NotConfigured)
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"not audio")
    assert failure(url, noise).code is ErrorCode.STT_REJECTED
    simulator.no_money = "credit_balance_exhausted"
    assert isinstance(failure(url, audio), QuotaExhausted)


def test_a_rate_limit_says_how_long_to_wait(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    simulator.requests_per_minute = 1
    ask(url, audio)
    found = failure(url, audio)
    assert isinstance(found, Throttled)
    assert found.retry_after
    assert 0 < found.retry_after <= 60


def test_an_unreachable_server(audio: Path) -> None:
    found = failure("http://127.0.0.1:9/v1", audio)
    assert (type(found), found.code) == (Temporary, ErrorCode.STT_UNAVAILABLE)
    assert "OPENAI_BASE_URL" in str(found)


def test_everything_goes_through_the_proxy(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    proxy = ProxySimulator(user="exporter", password=PASSWORD)
    with proxying(proxy) as address:
        there = address.replace("//", f"//exporter:{PASSWORD}@")
        ask(url, audio, proxy_url=there)
        assert len(proxy.targets()) == 1
        wrong = failure(url, audio, proxy_url=address.replace("//", f"//exporter:x{PASSWORD}@"))
    assert isinstance(wrong, AccessDenied)
    assert "CHATGPT_PROXY_URL" in str(wrong)
    assert simulator.journal.count("transcriptions") == 1


def test_a_refusing_proxy_of_a_tls_service(audio: Path) -> None:
    proxy = ProxySimulator(user="exporter", password=PASSWORD)
    with proxying(proxy) as address:
        found = failure("https://recogniser.invalid/v1", audio, proxy_url=address)
    assert isinstance(found, AccessDenied)


def test_nothing_goes_beside_a_proxy_that_is_down(
    service: tuple[RecogniserSimulator, str], audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator, url = service
    monkeypatch.setenv("NO_PROXY", "*")  # the machine's own proxy settings do not count
    found = failure(url, audio, proxy_url=f"http://exporter:{PASSWORD}@127.0.0.1:9")
    assert found.code is ErrorCode.STT_UNAVAILABLE
    assert "CHATGPT_PROXY_URL" in str(found)
    assert simulator.journal.count() == 0


def test_the_machines_own_proxy_is_not_used(
    service: tuple[RecogniserSimulator, str], audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(service[1], audio).text


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"api_key": ""}, "OPENAI_API_KEY"),
        ({"api_key": "sk-ключ"}, "OPENAI_API_KEY"),
        ({"api_key": KEY, "require_proxy": True}, "CHATGPT_PROXY_URL"),
        ({"api_key": KEY, "proxy_url": f"http://u:{PASSWORD}@host:31x8"}, "CHATGPT_PROXY_URL"),
        ({"api_key": KEY, "proxy_url": f"nonsense://u:{PASSWORD}@host"}, "CHATGPT_PROXY_URL"),
    ],
)
def test_a_missing_setting_is_named_before_a_request(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(NotConfigured, match=named) as caught:
        Recogniser(RecogniserSettings(model="gpt-transcribe", **settings))
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_settings_hide_their_secrets() -> None:
    settings = RecogniserSettings(model="m", api_key=KEY, proxy_url=f"http://u:{PASSWORD}@h")
    assert KEY not in repr(settings)
    assert PASSWORD not in repr(settings)


def test_a_compatible_server_may_want_no_key(service: tuple[RecogniserSimulator, str], audio: Path) -> None:
    simulator, url = service
    simulator.key = "none"
    assert ask(url, audio, api_key=None).text
