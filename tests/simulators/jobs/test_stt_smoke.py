"""`jobs.stt_smoke`: the demo playlist on a simulator that hears, the report's schema, and each exit status."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jobs import stt_smoke
from simulators.kit.in_process import running
from simulators.sound.hearing_recogniser import HearingRecogniser
from tests.kit.paths import ROOT

DEMO = ROOT / "playlists" / "smoke_demo" / "playlist.yaml"
SCHEMA = json.loads((ROOT / "docs/specs/stt_smoke_report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "STT_STUB_BASE_URL", "STT_MAX_FILE_MINUTES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(stt_smoke, "_env_file", dict)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HearingRecogniser]:
    server = HearingRecogniser("gpt-transcribe")
    with running(server) as url:
        monkeypatch.setenv("STT_STUB_BASE_URL", f"{url}/v1")
        yield server


def smoke(folder: Path, *arguments: str) -> int:
    report = folder / "report.json"
    with pytest.raises(SystemExit) as ended:
        stt_smoke.main.main([*arguments, "--report", str(report), "--out", str(folder / "out")])
    return int(ended.value.code or 0)


def report_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_demo_playlist_is_green_and_a_rerun_costs_no_request(tmp_path: Path, stub: HearingRecogniser) -> None:
    assert smoke(tmp_path, "--playlist", str(DEMO)) == stt_smoke.GOOD
    found = report_of(tmp_path)
    assert (found["summary"]["total"], found["summary"]["failed"], found["summary"]["wer"]) == (15, 0, 0.0)
    assert found["stub"] is True
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("**Это имитация")
    sent = len(stub.sent)
    assert found["summary"]["requests"] == sent
    assert smoke(tmp_path, "--playlist", str(DEMO)) == stt_smoke.GOOD
    assert len(stub.sent) == sent
    assert report_of(tmp_path)["summary"]["requests"] == 0
    assert report_of(tmp_path)["summary"]["wer_before"] == 0.0


def test_misheard_words_are_an_exit_status_of_1(tmp_path: Path, stub: HearingRecogniser) -> None:
    stub.mistakes = 0.5
    assert smoke(tmp_path, "--playlist", str(DEMO), "--limit", "2") == stt_smoke.FAILED
    failed = report_of(tmp_path)["entries"]
    assert {entry["error_code"] for entry in failed} == {"wer_above_threshold"}
    assert all(entry["error_message"] for entry in failed)


def test_a_playlist_in_json_is_read_too(tmp_path: Path, stub: HearingRecogniser) -> None:
    folder = tmp_path / "playlist"
    shutil.copytree(DEMO.parent, folder)
    tree = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    (folder / "playlist.json").write_text(json.dumps(tree, default=str), encoding="utf-8")
    assert smoke(tmp_path, "--playlist", str(folder / "playlist.json"), "--limit", "1") == stt_smoke.GOOD
    assert stub.sent


@pytest.mark.parametrize("content", [None, "[]", "name: x", "{"])
def test_a_playlist_that_cannot_be_used_is_2(tmp_path: Path, stub: HearingRecogniser, content: str | None) -> None:
    file = tmp_path / "playlist.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert smoke(tmp_path, "--playlist", str(file)) == stt_smoke.UNUSABLE
    assert stub.sent == []


def test_an_unknown_engine_or_a_wrong_setting_is_2(
    tmp_path: Path, stub: HearingRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smoke(tmp_path, "--playlist", str(DEMO), "--engine", "nobody") == stt_smoke.UNUSABLE
    monkeypatch.setenv("STT_SMOKE_BUDGET_USD", "much")
    assert smoke(tmp_path, "--playlist", str(DEMO)) == stt_smoke.UNUSABLE
    assert stub.sent == []


def test_a_forecast_above_the_budget_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("STT_SMOKE_BUDGET_USD", "0.001")
    arguments = ("--playlist", str(DEMO), "--engine", "default", "--limit", "1")
    assert smoke(tmp_path, *arguments) == stt_smoke.UNUSABLE


@pytest.mark.parametrize("reason", ["no recogniser", "no simulator", "switched off", "empty"])
def test_a_test_of_nothing_is_3_and_never_a_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    arguments = ["--playlist", str(DEMO)]
    if reason == "no recogniser":
        arguments += ["--engine", "default"]
    if reason == "switched off":
        monkeypatch.setenv("STT_MAX_FILE_MINUTES", "0")
    if reason == "empty":
        tree = yaml.safe_load(DEMO.read_text(encoding="utf-8")) | {"entries": []}
        arguments[1] = str(tmp_path / "empty.yaml")
        (tmp_path / "empty.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    assert smoke(tmp_path, *arguments) == stt_smoke.NOTHING_TESTED
    assert not (tmp_path / "report.json").exists()
