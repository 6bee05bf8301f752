"""The waveform of a recording: two lanes, ten values a second."""

from pathlib import Path

import pytest

from include.common.errors import Permanent
from include.speech.audio.peaks import HEADER, PER_SECOND, VERSION, peaks_of
from tests.unit.speech.audio.synth import voice, wav


def test_the_loud_channel_is_high_and_the_silent_one_is_flat(tmp_path: Path) -> None:
    sound = voice(3.0)
    path = wav(tmp_path / "call.wav", sound, sound * 0)
    content = peaks_of(path, most_seconds=60)
    version, channels, per_second, seconds = HEADER.unpack(content[: HEADER.size])
    assert (version, channels, per_second, round(seconds, 1)) == (VERSION, 2, PER_SECOND, 3.0)
    left, right = content[HEADER.size :: 2], content[HEADER.size + 1 :: 2]
    assert len(left) == len(right) == 30
    assert max(left) > 50
    assert set(right) == {0}


def test_what_is_no_audio_is_permanent(tmp_path: Path) -> None:
    path = tmp_path / "page.mp3"
    path.write_text("<html>")
    with pytest.raises(Permanent):
        peaks_of(path, most_seconds=60)
