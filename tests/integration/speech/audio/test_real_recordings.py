"""The cut on real recordings: telephone codecs, dual mono, a file that is not audio."""

from pathlib import Path

import av
import pytest

from include.common.errors import ErrorCode, Permanent
from include.speech.audio.cutting import cut
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
from include.speech.audio.probing import probe
from include.speech.cuts import ChannelLayout
from tests.kit.paths import SHARED_DATA

FOLDER = SHARED_DATA / "audio"
pytestmark = [
    pytest.mark.real_recordings,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/audio is not there"),
]
POLICY = CutPolicy()
GOOD = [path.name for path in sorted(FOLDER.glob("[!b]*"))]  # the others are broken on purpose
TWO_SPEAKERS = {"en_lca_auto_repairs_40_stereo_8k.wav", "en_fw_stereo_diarization.wav", "en_az_test_stereo.wav"}
ONE_IN_TWO_CHANNELS = {"en_fw_hotwords.mp3", "en_jfk_44k_stereo.flac"}


@pytest.mark.parametrize(
    ("name", "codec", "seconds"),
    [
        ("en_lca_auto_repairs_40_stereo_8k.wav", "pcm_s16le", 245.38),
        ("en_pca_auto0_call_mono.wav", "pcm_u8", 277.66),
        ("ru_tone_long.flac", "flac", 50.76),
        ("en_az_weather_mulaw.wav", "pcm_mulaw", 2.03),
        ("en_az_test.mp3", "mp3float", 0.63),
        ("multi_fw_multilingual.mp3", "mp3float", 59.90),
    ],
)
def test_codecs_and_lengths(name: str, codec: str, seconds: float) -> None:
    info = probe(FOLDER / name)
    assert (info.codec, info.seconds) == (codec, pytest.approx(seconds, abs=0.05))


@pytest.mark.parametrize("name", GOOD)
def test_the_decoded_length_is_that_of_the_container(name: str) -> None:
    with av.open(str(FOLDER / name)) as container:
        assert container.duration is not None
        assert probe(FOLDER / name).seconds == pytest.approx(container.duration / 1_000_000, abs=0.1)


def test_raw_samples_named_wav_are_not_audio() -> None:
    with pytest.raises(Permanent) as caught:
        cut(FOLDER / "bad_az_missing_wav_header.wav", POLICY)
    assert caught.value.code is ErrorCode.NOT_AUDIO


@pytest.mark.parametrize("name", GOOD)
def test_layouts(name: str) -> None:
    """Stereo gives two speakers, equal channels give one."""
    found = cut(FOLDER / name, POLICY)
    two = ChannelLayout.DUAL_MONO if name in ONE_IN_TWO_CHANNELS else ChannelLayout.MONO
    assert found.channel_layout is (ChannelLayout.STEREO if name in TWO_SPEAKERS else two)
    assert {piece.channel for piece in found.pieces} == ({0, 1} if name in TWO_SPEAKERS else {None})


@pytest.mark.parametrize("name", GOOD)
def test_hardly_any_sound_is_left_out(name: str) -> None:
    """The flags `much_not_sent` and `partly_unheard` would be false alarms here."""
    found = cut(FOLDER / name, POLICY)
    assert found.sent_share > 0.6
    assert found.music_share == 0.0


def test_both_sides_of_a_call_take_turns() -> None:
    pieces = cut(FOLDER / "en_lca_auto_repairs_40_stereo_8k.wav", POLICY).pieces
    assert {piece.channel for piece in pieces} == {0, 1}
    assert 25 < len(pieces) < 80
    assert sum(piece.seconds for piece in pieces) < 245.38, "two whole channels would be paid twice"


@pytest.mark.parametrize("name", GOOD)
def test_every_recording_has_speech_and_its_pieces_decode(name: str, tmp_path: Path) -> None:
    found = cut(FOLDER / name, POLICY)
    assert found.speech_sec > 0.2 * min(found.info.seconds, 20)
    with encoded_pieces(FOLDER / name, found, "flac", folder=tmp_path) as files:
        for piece, file in files:
            assert probe(file).seconds == pytest.approx(max(piece.seconds, 0.25), abs=0.002)
