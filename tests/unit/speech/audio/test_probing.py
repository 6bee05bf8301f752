from pathlib import Path

import pytest

from include.common.errors import ErrorCode, Permanent
from include.speech.audio.probing import probe
from tests.unit.speech.audio.synth import RATE, mp3, tone, voice, wav


def test_the_properties_of_a_file(tmp_path: Path) -> None:
    info = probe(mp3(tmp_path / "a.mp3", voice(2.0), voice(2.0, seed=1)))
    assert (info.container, info.channels, info.rate) == ("mp3", 2, RATE)
    assert info.codec.startswith("mp3")
    assert info.seconds == pytest.approx(2.0, abs=0.2)


def test_the_length_is_measured_by_decoding(tmp_path: Path) -> None:
    """The header says ten times the data, as in a recording whose writing was cut off."""
    path = wav(tmp_path / "a.wav", voice(1.0))
    data = bytearray(path.read_bytes())
    data[40:44] = (RATE * 2 * 10).to_bytes(4, "little")
    path.write_bytes(data)
    assert probe(path).seconds == 1.0


def test_the_file_name_does_not_matter(tmp_path: Path) -> None:
    assert probe(wav(tmp_path / "call.mp3", voice(1.0))).container == "wav"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><body>Please log in</body></html>",
        b'{"error": "expired_token"}',
        bytes(range(256)) * 40,
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
    ],
)
def test_undecodable_content_is_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(content)
    with pytest.raises(Permanent) as caught:
        probe(path)
    assert caught.value.code is ErrorCode.NOT_AUDIO
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("script", ["ffconcat version 1.0\nfile {}\n", "#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"])
def test_a_script_that_names_other_files_is_not_followed(tmp_path: Path, script: str) -> None:
    """Such a file makes the decoder read any file of the machine or any address of the network."""
    wav(tmp_path / "secret.wav", voice(1.0))
    path = tmp_path / "call.mp3"
    path.write_text(script.format("secret.wav"))
    with pytest.raises(Permanent) as caught:
        probe(path)
    assert caught.value.code is ErrorCode.NOT_AUDIO


def test_below_a_tenth_of_a_second_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        probe(wav(tmp_path / "a.wav", tone(0.09, 440)))
    assert caught.value.code is ErrorCode.AUDIO_TOO_SHORT
    assert probe(wav(tmp_path / "b.wav", tone(0.1, 440))).seconds == 0.1


def test_damage_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    path = mp3(tmp_path / "a.mp3", voice(20.0))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = b"\x00" * 2000
    path.write_bytes(data)
    assert probe(path).seconds == pytest.approx(20.0, abs=2.0)
