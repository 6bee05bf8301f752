"""What is decoded in a process of its own is what is decoded here; what dies there costs one recording."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.common.errors import ErrorCode, Permanent, Temporary
from include.speech.audio import apart
from include.speech.audio.apart import cut_apart, longest_recording, pieces_apart
from include.speech.audio.cutting import cut
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
from tests.kit.paths import DATA
from tests.unit.speech.audio.synth import mp3, on_line, voice

POLICY = CutPolicy(max_piece_sec=600)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    left = on_line(60.0, (1.0, voice(4.0)), (20.0, voice(4.0, seed=1)))
    return mp3(tmp_path / "call.mp3", left, on_line(60.0, (8.0, voice(4.0, seed=2))))


def killing(path: str, policy: dict[str, Any], most_seconds: float) -> Iterator[int]:
    yield os.kill(os.getpid(), signal.SIGSEGV) or 0


def test_the_same_cut_and_the_same_pieces(recording: Path, tmp_path: Path) -> None:
    found = cut_apart(recording, POLICY, most_seconds=120)
    assert found == cut(recording, POLICY)
    skip = {found.pieces[0].key("flac")}
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    with (
        encoded_pieces(recording, found, "flac", folder=tmp_path / "here", skip=skip) as ours,
        pieces_apart(recording, found, "flac", folder=tmp_path / "there", skip=skip) as theirs,
    ):
        count = 0
        for (piece, file), (same_piece, same_file) in zip(ours, theirs, strict=True):
            assert (piece, file.read_bytes()) == (same_piece, same_file.read_bytes())
            assert len(list((tmp_path / "there").iterdir())) == 1, "a file is deleted when the next one is requested"
            count += 1
    assert count == len(found.pieces) - 1
    assert not list((tmp_path / "there").iterdir())


def test_nothing_is_decoded_if_all_responses_are_known(recording: Path, tmp_path: Path) -> None:
    found = cut_apart(recording, POLICY, most_seconds=120)
    skip = {piece.key("wav") for piece in found.pieces}
    with pieces_apart(tmp_path / "gone", found, "wav", folder=tmp_path, skip=skip) as files:
        assert list(files) == []


def test_the_length_is_bounded_by_that_of_the_portal() -> None:
    assert longest_recording(0) == 3600
    assert longest_recording(600) == 5400
    assert longest_recording(1e6) == 12 * 3600
    with pytest.raises(Permanent, match="longer than 60 min") as caught:
        cut_apart(DATA / "recordings" / "six_hours_of_silence.flac", POLICY, most_seconds=longest_recording(0))
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


def test_a_recording_that_kills_its_decoder_is_an_error_of_its_own(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_cut", killing)
    with pytest.raises(Temporary, match="SIGSEGV") as caught:
        cut_apart(recording, POLICY, most_seconds=120)
    assert caught.value.code is ErrorCode.DECODING_DIED


def test_too_little_memory_is_a_limit_of_the_recording(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MEMORY_MB", 1)
    with pytest.raises(Permanent, match="memory") as caught:
        cut_apart(recording, POLICY, most_seconds=120)
    assert caught.value.code is ErrorCode.AUDIO_LIMITS
