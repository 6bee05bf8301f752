"""The steps of a smoke run on the demo playlist, against a recogniser that hears, and that can be damaged."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.clients.storage.local import LocalStorage
from include.common.errors import BadInput
from include.smoke.domain.engine import Engine
from include.smoke.domain.judgement import EntryResult, SmokeCode
from include.smoke.steps.hear_entry import Services, hear_entry
from include.smoke.steps.prepare import SmokeRun, prepare, read_playlist, refuse_above
from include.smoke.steps.write_report import write_report
from include.speech.recognition_client import Recogniser, RecogniserSettings
from include.speech.request_order import Hints
from simulators.kit.in_process import running
from simulators.sound.hearing_recogniser import HearingRecogniser, JsonDict
from tests.kit.paths import ROOT
from tests.kit.thresholds import REVIEW_POLICY

DEMO = ROOT / "playlists" / "smoke_demo"
MONO, STEREO, WAV, TOO_SHORT = 0, 1, 7, 14
NAMES = {MONO: "demo-mono", STEREO: "demo-stereo", WAV: "demo-wav"}
Damage = Callable[[str], str]


class Damaged(HearingRecogniser):
    """Hears right, until `damage` changes its texts."""

    damage: Damage | None = None

    def respond(self, audio: bytes, name: str) -> JsonDict:
        body = super().respond(audio, name)
        return body | {"text": self.damage(body["text"])} if self.damage else body


class World:
    """A copy of some entries of the demo playlist, a storage, and a recogniser over HTTP."""

    def __init__(self, url: str, folder: Path, server: Damaged, entries: tuple[int, ...]) -> None:
        self.url, self.folder, self.server = url, folder, server
        self.storage = LocalStorage(folder / "out")
        shutil.copytree(DEMO, folder / "playlist")
        self.change(lambda tree: tree | {"entries": [tree["entries"][number] for number in entries]})

    @property
    def file(self) -> Path:
        return self.folder / "playlist" / "playlist.yaml"

    def change(self, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        tree = changed(yaml.safe_load(self.file.read_text(encoding="utf-8")))
        self.file.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")

    def run(self, smoke_id: str = "1", *, fresh: bool = False, engines: tuple[Engine, ...] = ()) -> SmokeRun:
        playlist, content_hash = read_playlist(self.file)
        run = SmokeRun(smoke_id, self.file.parent, playlist, content_hash, engines or (engine(),), fresh=fresh)
        prepare(run, self.storage)
        return run

    @property
    def services(self) -> Services:
        return Services(
            self.storage, lambda _, model: Recogniser(RecogniserSettings(model, base_url=self.url)), REVIEW_POLICY
        )

    def heard(self, run: SmokeRun) -> list[EntryResult]:
        return [
            hear_entry(run, number, each, self.services) for each in run.engines for number in range(len(run.entries))
        ]


def engine(name: str = "stub", rate: str = "0") -> Engine:
    return Engine(name, "gpt-transcribe", "", "stt_stub", Hints(("ru",)), 15, None, Decimal(rate), Decimal(0))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = Damaged("gpt-transcribe")
    with running(server) as url:
        yield World(f"{url}/v1", tmp_path, server, (MONO, STEREO, WAV))


def failures(results: list[EntryResult]) -> dict[str, str | None]:
    return {result.call_id: result.error_code for result in results if result.status == "failure"}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: " ".join(text.split()[:-2]), id="dropped tail"),
        pytest.param(lambda text: " ".join([*text.split(), *text.split()[-2:]]), id="doubled seam"),
        pytest.param(lambda text: "thank you for calling " + " ".join(["please"] * len(text.split())), id="English"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
def test_a_damaged_text_turns_its_entry_red_and_no_other(world: World, damage: Damage) -> None:
    run, results = world.run(), []
    for number in range(len(run.entries)):
        world.server.damage = damage if number == 0 else None
        results.append(hear_entry(run, number, engine(), world.services))
    assert failures(results) == {"demo-mono": SmokeCode.WER}


def test_swapped_channels_turn_their_entry_red_as_an_error_of_roles(world: World) -> None:
    world.change(
        lambda tree: (
            tree
            | {
                "entries": [
                    entry | ({"operator_channel": "right"} if entry["call_id"] == "demo-stereo" else {})
                    for entry in tree["entries"]
                ]
            }
        )
    )
    assert failures(world.heard(world.run())) == {"demo-stereo": SmokeCode.ROLES}


def test_a_second_run_sends_no_request_and_compares_again(world: World) -> None:
    first = world.heard(world.run())
    sent = len(world.server.sent)
    assert sent == sum(result.requests for result in first) > 0
    (world.file.parent / "expected/transcripts/wav.txt").write_text("совсем не то", encoding="utf-8")
    again = world.heard(world.run("2"))
    assert len(world.server.sent) == sent
    assert failures(again) == {"demo-wav": SmokeCode.WER}


def test_a_fresh_run_buys_again(world: World) -> None:
    world.heard(world.run())
    sent = len(world.server.sent)
    world.heard(world.run("2", fresh=True))
    assert len(world.server.sent) == 2 * sent


def test_two_engines_hear_the_same_pieces_and_are_compared(world: World) -> None:
    run = world.run(engines=(engine("one"), engine("two")))
    world.heard(run)
    pieces = [(sent.filename, sent.size) for sent in world.server.sent]
    assert pieces[: len(pieces) // 2] == pieces[len(pieces) // 2 :]
    report = write_report(run, world.storage, at=datetime(2026, 11, 28, tzinfo=UTC)).report
    assert report.comparison is not None
    assert report.comparison.better is None
    assert report.comparison.difference == 0.0


def test_a_run_above_its_budget_sends_nothing(world: World) -> None:
    run = world.run(engines=(engine(rate="0.5"),))
    with pytest.raises(BadInput) as refused:
        refuse_above(Decimal("1.00"), run, world.storage)
    assert refused.value.facts == {"forecast": Decimal("1.5"), "budget": Decimal("1.00")}
    assert world.server.sent == []


def test_what_is_paid_for_is_not_in_the_forecast(world: World) -> None:
    run = world.run(engines=(engine(rate="0.5"),))
    world.heard(run)
    assert refuse_above(Decimal("0.01"), run, world.storage) == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: (folder / "audio/mono.mp3").write_bytes(b"x"), SmokeCode.AUDIO_CHANGED),
        (lambda folder: (folder / "audio/mono.mp3").unlink(), SmokeCode.AUDIO_CHANGED),
        (lambda folder: (folder / "expected/transcripts/mono.txt").unlink(), SmokeCode.EXPECTED_MISSING),
        (lambda folder: (folder / "expected/transcripts/mono.txt").write_bytes(b"\xff"), SmokeCode.EXPECTED_MISSING),
    ],
)
def test_a_file_that_is_not_the_one_meant_is_not_sent(
    world: World, change: Callable[[Path], object], code: SmokeCode
) -> None:
    change(world.file.parent)
    assert failures(world.heard(world.run())) == {"demo-mono": code}


def test_a_link_out_of_the_folder_is_not_followed(world: World) -> None:
    audio = world.file.parent / "audio" / "mono.mp3"
    outside = world.folder / "outside.mp3"
    audio.rename(outside)
    audio.symlink_to(outside)
    assert failures(world.heard(world.run())) == {"demo-mono": SmokeCode.AUDIO_CHANGED}


def test_a_text_instead_of_the_expected_error_is_a_failure(world: World) -> None:
    def expect_error(tree: dict[str, Any]) -> dict[str, Any]:
        first = {name: value for name, value in tree["entries"][0].items() if name != "expected"}
        return tree | {"entries": [first | {"expect_error": "not_audio"}, *tree["entries"][1:]]}

    world.change(expect_error)
    assert failures(world.heard(world.run())) == {"demo-mono": SmokeCode.UNEXPECTED_SUCCESS}


def test_another_error_than_the_expected_one_is_a_failure(tmp_path: Path) -> None:
    server = Damaged("gpt-transcribe")
    with running(server) as url:
        world = World(f"{url}/v1", tmp_path, server, (TOO_SHORT,))
        world.change(lambda tree: tree | {"entries": [tree["entries"][0] | {"expect_error": "not_audio"}]})
        assert failures(world.heard(world.run())) == {"demo-too-short": "audio_too_short"}


def test_foreign_texts_are_no_markdown_and_no_html(world: World) -> None:
    hostile = "<script>alert(1)</script> | **x** [y](http://z)"
    (world.file.parent / "expected/transcripts/wav.txt").write_text(hostile, encoding="utf-8")
    run = world.run()
    world.heard(run)
    written = write_report(run, world.storage, at=datetime(2026, 11, 28, tzinfo=UTC))
    page = world.storage.get_bytes(written.page_key).decode()
    markdown = world.storage.get_bytes(written.markdown_key).decode()
    assert "<script>" not in page + markdown
    assert "](http" not in markdown
