"""Long calls word by word: every word is in the transcript once, in order, under the right role and time.

Time codes: the start of a turn is compared with the start of its first word, its end with the end of its last one. If
the recogniser responds with bare text, a turn is a piece of our own cut; if it gives segments, each segment is a turn.
"""

import os
from pathlib import Path

import pytest

from simulators.sound.hearing_recogniser import DIALECTS
from simulators.sound.numbered_words import dialogue, monologue, record
from tests.hearing.calls import check, transcribe, transcribe_in_process

pytestmark = pytest.mark.long

MINUTES_47, HOURS_3 = 47 * 60.0, 3 * 3600.0
FULL = [
    (seconds, extension, stereo, dialect)
    for seconds in (MINUTES_47, HOURS_3)
    for extension in ("mp3", "wav", "ogg", "m4a")
    for stereo in (True, False)
    for dialect in ("gpt-transcribe", "whisper-1")
]


full = pytest.mark.skipif(os.environ.get("HEARING") != "full", reason="takes about 20 minutes: HEARING=full")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("seconds", "extension", "stereo", "dialect"),
    [
        pytest.param(MINUTES_47, "mp3", True, "gpt-transcribe", id="47 min, stereo", marks=full),
        pytest.param(MINUTES_47, "mp3", False, "whisper-1", id="47 min, mono", marks=full),
    ],
)
def test_no_word_of_a_long_call_is_lost(
    tmp_path: Path, seconds: float, extension: str, stereo: bool, dialect: str
) -> None:
    """Dense talk; in stereo about every seventh turn begins before the other speaker has ended."""
    words = dialogue(seconds, talk_over=0.15 if stereo else 0.0)
    path = record(tmp_path / f"call.{extension}", words, seconds, stereo=stereo)
    check(words, transcribe_in_process(path, dialect), stereo=stereo)


@full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("seconds", "extension", "stereo", "dialect"), FULL)
def test_in_every_container(tmp_path: Path, seconds: float, extension: str, stereo: bool, dialect: str) -> None:
    words = dialogue(seconds, seed=2, talk_over=0.15 if stereo else 0.0)
    path = record(tmp_path / f"call.{extension}", words, seconds, stereo=stereo)
    check(words, transcribe_in_process(path, dialect), stereo=stereo)


@pytest.mark.parametrize("dialect", ["gpt-transcribe", pytest.param("diarized", marks=full)])
def test_twenty_minutes_without_a_pause(tmp_path: Path, dialect: str) -> None:
    """Gaps of 0.03 to 0.08 s. With bare text the cut makes a seam every minute; a diarizing model is sent pieces of
    15 minutes, whose seams lie inside the speech too."""
    seconds = 22 * 60.0
    words = monologue(seconds, between_words=(0.03, 0.08))
    result = transcribe(record(tmp_path / "call.wav", words, seconds, stereo=False), dialect)
    check(words, result, stereo=False)
    longest = max(sent.seconds for sent in result.sent)
    assert 870 < longest <= 900 if dialect == "diarized" else 30 < longest <= 60


@pytest.mark.parametrize("stereo", [True, False], ids=["stereo", "mono"])
@pytest.mark.parametrize("extension", ["mp3", "wav", "ogg", "m4a"])
def test_containers(tmp_path: Path, extension: str, stereo: bool) -> None:
    words = dialogue(90, seed=3, talk_over=0.15 if stereo else 0.0)
    path = record(tmp_path / f"call.{extension}", words, 90, stereo=stereo)
    check(words, transcribe(path, "gpt-transcribe"), stereo=stereo)


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_dialects(tmp_path: Path, dialect: str) -> None:
    """The text is the same for every server's dialect."""
    words = dialogue(60, seed=4, talk_over=0.15)
    result = transcribe(record(tmp_path / "call.wav", words, 60, stereo=True), dialect)
    check(words, result, stereo=True)
