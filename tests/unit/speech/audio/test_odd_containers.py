"""Odd and hostile files, made by other people's encoders (`tests/data/recordings`), are decoded right or refused."""

import struct
from pathlib import Path

import numpy as np
import pytest

from include.common.errors import ErrorCode, Permanent
from include.speech.audio.decoding import opened
from include.speech.audio.odd_containers import audio_after_the_header, ogg_links
from include.speech.audio.probing import probe
from tests.kit.paths import DATA
from tests.unit.speech.audio.synth import RATE, tone, voice, wav

FOLDER = DATA / "recordings"
QUARTER = 4  # parts of a second


def heard(path: Path) -> list[int]:
    """The loudest pitch of each quarter of a second, to 10 Hz; 0 for silence. The rest at the end is left out."""
    with opened(path) as source:
        samples = np.concatenate(list(source.blocks()), axis=1)[0].astype(float)
        size = source.rate // QUARTER
    found = []
    for start in range(0, len(samples) - size + 1, size):
        part = samples[start : start + size]
        peak = int(np.abs(np.fft.rfft(part * np.hanning(size))).argmax()) * QUARTER
        found.append(round(peak, -1) if np.sqrt(np.square(part).mean()) > 1000 else 0)
    return found


def levels(path: Path, pitches: range) -> list[float]:
    """dB of each pitch, beside the loudest."""
    with opened(path) as source:
        samples = np.concatenate(list(source.blocks()), axis=1)[0].astype(float)
        rate = source.rate
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), rate))
    found = [20 * float(np.log10(spectrum[pitch])) for pitch in pitches]
    return [round(level - max(found), 1) for level in found]


@pytest.mark.parametrize(
    "name",
    [
        *("alaw.wav", "mulaw.wav", "gsm.wav", "ima_adpcm.wav", "amr.amr", "opus_48k.ogg", "opus_48k.webm"),
        *("chained_opus.ogg", "chained_vorbis_8k_16k.ogg"),
    ],
)
def test_codecs_of_telephony_and_chains(name: str) -> None:
    assert heard(FOLDER / name) == [440, 440, 1000, 1000]
    assert probe(FOLDER / name).seconds == pytest.approx(1.0, abs=0.03)


def test_a_chain_whose_channels_change_is_heard_whole_and_once() -> None:
    """On one track: the link with one channel would be heard on both."""
    path = FOLDER / "chained_opus_mono_stereo.ogg"
    assert heard(path)[:2] == [440, 440]
    assert set(heard(path)[2:]) <= {1000, 1500}
    with opened(path) as source:
        assert source.tracks == 1
    assert probe(path).seconds == pytest.approx(1.0, abs=0.03)


def test_the_links_of_a_chain() -> None:
    path = FOLDER / "chained_opus.ogg"
    links = ogg_links(path)
    assert [path.read_bytes()[start:][:4] for start, _ in links] == [b"OggS", b"OggS"]
    assert links[0][1] == links[1][0]
    assert links[1][1] == path.stat().st_size
    assert ogg_links(FOLDER / "opus_48k.ogg") == ()


def test_empty_packets_keep_the_time() -> None:
    """A coder that sends nothing in pauses must not move what is said after them."""
    assert heard(FOLDER / "opus_empty_packets.ogg") == [440, 440, 0, 0, 0, 0, 1000, 1000]


@pytest.mark.parametrize("name", ["eight_channels.wav", "eight_channels_opus.ogg"])
def test_each_of_eight_channels_is_heard_alike(name: str) -> None:
    """FFmpeg's own mixture leaves out the channel of low frequencies, and with it a person."""
    assert min(levels(FOLDER / name, range(300, 1800, 200))) > -3
    assert probe(FOLDER / name).channels == 8


def test_nine_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nine.wav"
    form = struct.pack("<HHIIHH", 1, 9, RATE, RATE * 18, 18, 16)
    data = bytes(18 * RATE)
    path.write_bytes(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt \x10\x00\x00\x00" + form)
    with path.open("ab") as file:
        file.write(b"data" + struct.pack("<I", len(data)) + data)
    with pytest.raises(Permanent, match="9 channels; at most 8") as caught:
        probe(path)
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


@pytest.mark.parametrize("name", ["rate_4hz.flac", "rate_4hz_in_its_frames.flac"])
def test_a_forged_rate_is_refused(name: str) -> None:
    """These 206 bytes became 3 GB of samples in 27 s of processor time."""
    with pytest.raises(Permanent, match="sample rate is 4 Hz; 4000 to 192000 Hz are decoded") as caught:
        probe(FOLDER / name)
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


def test_a_recording_that_is_too_long_for_its_call_is_refused() -> None:
    with (
        pytest.raises(Permanent, match="longer than 66 min, the most for its call") as caught,
        opened(FOLDER / "six_hours_of_silence.flac", most_seconds=66 * 60) as source,
    ):
        list(source.blocks())
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


def test_nothing_is_decoded_beyond_twelve_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.speech.audio.decoding.MAX_SECONDS", 3600.0)
    with (
        pytest.raises(Permanent, match="longer than 60 min"),
        opened(FOLDER / "six_hours_of_silence.flac", most_seconds=1e9) as source,
    ):
        list(source.blocks())


class TestLengthOfTheHeader:
    """The recorder was cut off after it had written `told` bytes into the header."""

    @staticmethod
    def told(path: Path, length: int) -> Path:
        data = bytearray(path.read_bytes())
        at = data.index(b"data")
        data[at + 4 : at + 8] = struct.pack("<I", length)
        path.write_bytes(data)
        return path

    @pytest.mark.parametrize("length", [0, 100, 8000, 0xFFFFFFFF, 320_000])
    def test_all_samples_are_heard(self, tmp_path: Path, length: int) -> None:
        path = self.told(wav(tmp_path / "a.wav", np.concatenate((tone(0.5, 440), tone(0.5, 1000)))), length)
        assert heard(path) == [440, 440, 1000, 1000]
        assert probe(path).seconds == 1.0

    def test_silence_after_it_is_heard_too(self, tmp_path: Path) -> None:
        path = self.told(wav(tmp_path / "a.wav", np.concatenate((voice(1.0), np.zeros(RATE)))), RATE)
        assert probe(path).seconds == 2.0

    def test_other_chunks_are_no_samples(self, tmp_path: Path) -> None:
        path = wav(tmp_path / "a.wav", voice(1.0))
        with path.open("ab") as file:
            file.write(b"LIST" + struct.pack("<I", 2000) + b"INFO" + b"x" * 1996)
        assert audio_after_the_header(path) == {}
        assert probe(path).seconds == 1.0

    def test_a_file_of_another_format_is_left_alone(self) -> None:
        assert audio_after_the_header(FOLDER / "opus_48k.ogg") == {}
