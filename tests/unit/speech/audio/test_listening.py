"""Which recordings browsers play as they are, and the copy of the others."""

from pathlib import Path

import av
import pytest

from include.common.errors import Permanent
from include.speech.audio.listening import browser_plays, copy_apart, is_copy_of, write_copy
from tests.unit.speech.audio.synth import alaw, voice, wav


def test_a_recording_of_plain_samples_is_played_and_a_law_is_not(tmp_path: Path) -> None:
    assert browser_plays(wav(tmp_path / "plain.wav", voice(1.0))) is True
    assert browser_plays(alaw(tmp_path / "alaw.wav")) is False


def test_the_beginning_is_enough_to_know(tmp_path: Path) -> None:
    head = tmp_path / "head"
    head.write_bytes(alaw(tmp_path / "alaw.wav").read_bytes()[:4000])
    assert browser_plays(head) is False


def test_what_is_no_recording_is_not_known(tmp_path: Path) -> None:
    page = tmp_path / "page.mp3"
    page.write_text("<html>")
    assert browser_plays(page) is None
    with pytest.raises(Permanent):
        write_copy(page, tmp_path / "copy.ogg", most_seconds=60, source="c1")


def test_the_copy_keeps_length_and_both_sides_and_names_its_recording(tmp_path: Path) -> None:
    path, target = wav(tmp_path / "call.wav", voice(3.0), voice(3.0, seed=1)), tmp_path / "copy.ogg"
    copy_apart(path, target, most_seconds=60, source="0a1b")
    first = target.read_bytes()[:1024]
    assert is_copy_of(first, "0a1b")
    assert not is_copy_of(first, "0a1c")
    assert not is_copy_of(path.read_bytes()[:1024], "0a1b")
    with av.open(str(target)) as copy:
        (stream,) = copy.streams.audio
        samples = sum(frame.samples for frame in copy.decode(stream))
        assert (stream.codec_context.name, stream.channels) == ("opus", 2)
        assert samples / stream.rate == pytest.approx(3.0, abs=0.05)


def test_a_copy_is_as_long_as_a_call_may_be(tmp_path: Path) -> None:
    path = wav(tmp_path / "call.wav", voice(2.0), times=10)
    with pytest.raises(Permanent, match="longer"):
        copy_apart(path, tmp_path / "copy.ogg", most_seconds=5, source="c1")
