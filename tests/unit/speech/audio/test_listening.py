"""Which recordings browsers play as they are, and the copy of the others."""

from pathlib import Path

import av
import numpy as np
import pytest

from include.common.errors import Permanent
from include.speech.audio.listening import browser_plays, copy_apart, is_copy_of, part_apart, write_copy
from tests.unit.speech.audio.synth import alaw, tone, voice, wav


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
        list(write_copy(page, tmp_path / "copy.ogg", most_seconds=60, source="c1"))


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


def test_a_part_begins_at_its_second_and_a_copy_tells_how_far_it_is(tmp_path: Path) -> None:
    path = wav(tmp_path / "call.wav", np.concatenate([tone(50.0, 400.0), tone(50.0, 1200.0)]))
    made: list[float] = []
    copy_apart(path, tmp_path / "copy.ogg", most_seconds=200, source="c1", on_progress=made.append)
    assert made == [30.0, 60.0, 90.0, 100.0]
    part_apart(path, tmp_path / "part.ogg", start=45.0, seconds=10.0, most_seconds=200)
    with av.open(str(tmp_path / "part.ogg")) as part:
        (stream,) = part.streams.audio
        samples = np.concatenate([frame.to_ndarray()[0] for frame in part.decode(stream)])
        rate = int(stream.rate or 0)
    assert len(samples) / rate == pytest.approx(10.0, abs=0.05)
    for second, hertz in ((2.0, 400.0), (4.7, 400.0), (5.3, 1200.0), (8.0, 1200.0)):
        heard = samples[int((second - 0.1) * rate) : int((second + 0.1) * rate)]
        loudest = np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard)
        assert loudest == pytest.approx(hertz, abs=20)
    with pytest.raises(Permanent):
        part_apart(path, tmp_path / "none.ogg", start=101.0, seconds=10.0, most_seconds=200)
