"""Speaker turns, and what is sent."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from include.speech.audio.cutting import cut
from include.speech.audio.pieces import CutPolicy, policy_for
from include.speech.cuts import ChannelLayout, Cut
from include.speech.model_profiles import profile_of
from tests.unit.speech.audio.synth import RATE, hiss, mp3, music, on_line, tone, voice, wav

POLICY = CutPolicy()


def test_each_side_of_a_stereo_call_has_its_own_turns(tmp_path: Path) -> None:
    left = on_line(12, (1, voice(2)), (8, voice(2, seed=2)))
    right = on_line(12, (4, voice(3, seed=1)))
    found = cut(wav(tmp_path / "a.wav", left, right), POLICY)
    assert found.channel_layout is ChannelLayout.STEREO
    assert [piece.channel for piece in found.pieces] == [0, 1, 0]
    for piece, (start, end) in zip(found.pieces, [(1, 3), (4, 7), (8, 10)], strict=True):
        assert piece.start == pytest.approx(start, abs=0.4)
        assert piece.end == pytest.approx(end, abs=0.4)


@pytest.mark.parametrize("channels", [(1, 2), (2, 1)], ids=["mono, then stereo", "stereo, then mono"])
def test_a_recording_whose_channels_change_is_read_whole(tmp_path: Path, channels: tuple[int, int]) -> None:
    """The portal joins the parts of a transferred call to one file."""
    parts = [on_line(6, (1, voice(3, seed=seed))) for seed in (1, 2)]
    glued = tmp_path / "glued.mp3"
    glued.write_bytes(
        b"".join(
            mp3(tmp_path / f"{number}.mp3", *[part] * count).read_bytes()
            for number, (part, count) in enumerate(zip(parts, channels, strict=True))
        )
    )
    found = cut(glued, POLICY)
    assert found.info.seconds == pytest.approx(12, abs=0.3)
    assert found.speech_sec == pytest.approx(6, abs=0.8)


def test_a_pause_is_bridged_while_the_other_side_is_silent(tmp_path: Path) -> None:
    left = on_line(10, (1, voice(2)), (4, voice(2, seed=2)))
    silent, speaking = on_line(10), on_line(10, (3.1, voice(0.7, seed=1)))
    assert len(cut(wav(tmp_path / "a.wav", left, on_line(10, (8, voice(1, seed=1)))), POLICY).pieces) == 2
    interrupted = cut(wav(tmp_path / "b.wav", left, speaking), POLICY)
    assert [piece.channel for piece in interrupted.pieces] == [0, 1, 0]
    assert len(cut(wav(tmp_path / "c.wav", left, silent), POLICY).pieces) == 1


@pytest.mark.parametrize("leak", [0.03, -0.1, 0.2])
def test_a_leak_is_not_the_other_speaker(tmp_path: Path, leak: float) -> None:
    """Codecs and wiring leak into the other channel; each word would be in the transcript twice."""
    left, right = on_line(12, (1, voice(3))), on_line(12, (6, voice(3, seed=1)))
    found = cut(wav(tmp_path / "a.wav", left + leak * right, right + leak * left), POLICY)
    assert [(piece.channel, round(piece.start)) for piece in found.pieces] == [(0, 1), (1, 6)]


def test_a_quiet_voice_under_a_loud_one_is_heard(tmp_path: Path) -> None:
    """Both speak at once, one of them 30 dB below the other: that is no leak."""
    left, right = on_line(8, (1, voice(5))), on_line(8, (2, voice(3, seed=1, dbfs=-50)))
    found = cut(wav(tmp_path / "a.wav", left, right), POLICY)
    assert [(piece.channel, round(piece.start)) for piece in found.pieces] == [(0, 1), (1, 2)]


def test_equal_channels_are_one_track(tmp_path: Path) -> None:
    line = on_line(6, (1, voice(3)))
    found = cut(mp3(tmp_path / "a.mp3", line, 0.5 * line), POLICY)
    assert found.channel_layout is ChannelLayout.DUAL_MONO
    assert [piece.channel for piece in found.pieces] == [None]


@pytest.mark.parametrize("live", [0, 1])
def test_a_silent_channel_gives_no_roles(tmp_path: Path, live: int) -> None:
    """Both people may be on the other channel: a role would be a guess."""
    channels = [np.zeros(8000 * 6), np.zeros(8000 * 6)]
    channels[live] = on_line(6, (1, voice(3)))
    found = cut(wav(tmp_path / "a.wav", *channels), POLICY)
    assert (found.channel_layout, found.mono_track) == (ChannelLayout.MONO, live)
    assert [piece.channel for piece in found.pieces] == [None]


@pytest.mark.parametrize("live", [0, 1])
def test_the_idle_noise_of_a_dead_channel_is_no_speaker(tmp_path: Path, live: int) -> None:
    """A-law has no zero: an unused channel decodes to +-8. Both people are on the other one."""
    idle = np.random.default_rng(1).choice([-8, 8], RATE * 12) / 32767
    channels = [idle, idle]
    channels[live] = on_line(12, (1, voice(3)), (6, voice(3, seed=1)))
    found = cut(wav(tmp_path / "a.wav", *channels), POLICY)
    assert (found.channel_layout, found.mono_track) == (ChannelLayout.MONO, live)
    assert found.speech_sec == pytest.approx(6, abs=0.6)


@pytest.mark.parametrize("lag_ms", [0.125, -1.0, 4.0])
@pytest.mark.parametrize("factor", [0.5, -0.5], ids=["softer", "inverted"])
def test_one_sound_on_both_channels_is_one_voice(tmp_path: Path, factor: float, lag_ms: float) -> None:
    """Also inverted, or a few milliseconds apart; as two speakers, each word would be in the text twice."""
    line = on_line(40, (1, voice(3)), (33, voice(3, seed=1)), noise_dbfs=-50)
    found = cut(wav(tmp_path / "a.wav", line, factor * np.roll(line, round(lag_ms * RATE / 1000))), POLICY)
    assert found.channel_layout is ChannelLayout.DUAL_MONO
    assert [piece.channel for piece in found.pieces] == [None, None]


@pytest.mark.parametrize("noise_dbfs", [-75.0, -40.0])
def test_a_client_who_hardly_speaks_is_sent(tmp_path: Path, noise_dbfs: float) -> None:
    """8 phrases of 2 s in ten minutes: nearly all of the channel is noise."""
    said = [(27 + 70 * number, voice(2, seed=100 + number)) for number in range(8)]
    operator = [(start, voice(6, seed=start)) for start in range(0, 600, 60)]
    channels = on_line(600, *operator), on_line(600, *said, noise_dbfs=noise_dbfs)
    found = cut(wav(tmp_path / "a.wav", *channels), POLICY)
    assert found.channel_layout is ChannelLayout.STEREO
    client = [piece for piece in found.pieces if piece.channel == 1]
    assert len(client) == len(said)
    for piece, (start, _) in zip(client, said, strict=True):
        assert piece.start + piece.lead_sec == pytest.approx(start, abs=0.1)
        assert piece.end - piece.tail_sec == pytest.approx(start + 2, abs=0.2)
    assert found.gains[1] < 1.5, "the speech is loud enough: amplified by the noise's level it would clip"


@pytest.mark.parametrize("noise_dbfs", [None, -75.0, -40.0], ids=["digital silence", "hiss", "loud hiss"])
def test_a_few_words_in_a_long_silence_are_sent(tmp_path: Path, noise_dbfs: float | None) -> None:
    """20 s of speech in ten minutes of mono; a reply of half a second among it."""
    line = np.zeros(600 * RATE) if noise_dbfs is None else hiss(600, dbfs=noise_dbfs)
    said = [(20 + 60 * number, 2.0 if number else 0.5) for number in range(10)]
    for start, seconds in said:
        line[start * RATE : round((start + seconds) * RATE)] += voice(seconds, seed=start)
    pieces = cut(wav(tmp_path / "a.wav", line), POLICY).pieces
    heard = [(piece.start + piece.lead_sec, piece.end - piece.tail_sec) for piece in pieces]
    assert heard == [pytest.approx((start, start + seconds), abs=0.2) for start, seconds in said]


def test_mono_is_cut_at_pauses_near_the_target(tmp_path: Path) -> None:
    said = [(start, voice(8, seed=start)) for start in range(0, 120, 10)]
    found = cut(wav(tmp_path / "a.wav", on_line(120, *said)), POLICY)
    assert all(20 < piece.seconds <= 31 for piece in found.pieces)
    for left, right in pairwise(found.pieces):
        assert left.end <= right.start
        assert round(left.end) % 10 in (8, 9, 0)  # in a pause


def test_silence_between_is_not_sent(tmp_path: Path) -> None:
    found = cut(wav(tmp_path / "a.wav", on_line(60, (2, voice(3)), (50, voice(3, seed=1)))), POLICY)
    assert sum(piece.seconds for piece in found.pieces) < 8


@pytest.mark.parametrize("dbfs", [-20.0, -40.0, -60.0])
def test_quiet_speech_is_speech(tmp_path: Path, dbfs: float) -> None:
    line = on_line(10, (2, voice(5, dbfs=dbfs)), noise_dbfs=-85)
    (piece,) = cut(wav(tmp_path / "a.wav", line), POLICY).pieces
    assert piece.start == pytest.approx(2, abs=0.5)
    assert piece.end == pytest.approx(7, abs=0.5)
    assert piece.speech_sec > 2


@pytest.mark.parametrize("dbfs", [-10.0, -30.0])
@pytest.mark.parametrize(
    ("on", "period", "hertz"),
    [
        pytest.param(1.0, 5.0, (425,), id="ring"),
        pytest.param(0.35, 0.7, (425,), id="busy"),
        pytest.param(2.0, 6.0, (440, 480), id="american ring"),
    ],
)
def test_tones_of_the_line_are_not_speech(
    tmp_path: Path, on: float, period: float, hertz: tuple[int, ...], dbfs: float
) -> None:
    said = [(start, tone(on, *hertz, dbfs=dbfs)) for start in np.arange(0, 30, period)]
    assert cut(wav(tmp_path / "a.wav", on_line(30, *said)), POLICY).speech_sec < 1.0


@pytest.mark.parametrize("dbfs", [-80.0, -50.0, -20.0])
def test_noise_is_not_speech(tmp_path: Path, dbfs: float) -> None:
    assert cut(wav(tmp_path / "a.wav", hiss(20, dbfs=dbfs)), POLICY).pieces == ()


@pytest.mark.parametrize("dbfs", [-10.0, -35.0])
@pytest.mark.parametrize("vibrato", [0.0, 0.004], ids=["struck", "bowed"])
@pytest.mark.parametrize("drums", [True, False], ids=["drums", "chords"])
def test_hold_music_is_not_speech(tmp_path: Path, drums: bool, vibrato: float, dbfs: float) -> None:
    """At most a tenth of it is sent; the music is mp3, with the noise of a phone line."""
    line = on_line(60, (5, music(50, drums=drums, vibrato=vibrato, dbfs=dbfs)), noise_dbfs=-60)
    assert sum(piece.seconds for piece in cut(mp3(tmp_path / "a.mp3", line), POLICY).pieces) < 5.0


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.5, 3.0])
def test_speech_next_to_music_is_kept(tmp_path: Path, pause: float) -> None:
    """Also speech during the last note."""
    before, after = 6.0, 6 + 30 + 2 * pause
    line = on_line(45, (3, voice(3)), (before + pause, music(30)), (after, voice(0.9, seed=1)), noise_dbfs=-70)
    pieces = cut(wav(tmp_path / "a.wav", line), POLICY).pieces
    for start, end in ((3, before), (after, after + 0.9)):
        heard = sum(max(0.0, min(piece.end, end) - max(piece.start, start)) for piece in pieces)
        assert heard > 0.9 * (end - start)
    assert sum(piece.seconds for piece in pieces) < 20


def test_a_long_vowel_is_no_music(tmp_path: Path) -> None:
    """The spectrum of a long "mm" is constant like that of a note; music lasts longer."""
    humming = sum(tone(0.9, 140 * k, dbfs=-24 - 2 * abs(k - 4)) for k in range(1, 9))
    pieces = cut(
        wav(tmp_path / "a.wav", on_line(16, (1, voice(3)), (7, humming), (11, voice(3, seed=1)))), POLICY
    ).pieces
    assert any(piece.start < 7.3 and piece.end > 7.6 for piece in pieces)


@pytest.mark.parametrize("offset", [0.2, -0.05])
def test_a_constant_offset_hides_no_speech(tmp_path: Path, offset: float) -> None:
    """Without its removal every frame is as loud as the speech."""
    line = on_line(12, (2, voice(3)), (8, voice(2, seed=1)))
    found = cut(wav(tmp_path / "a.wav", line + offset), POLICY)
    assert found.speech_sec == pytest.approx(cut(wav(tmp_path / "b.wav", line), POLICY).speech_sec, abs=0.1)


def test_digital_silence_has_no_pieces(tmp_path: Path) -> None:
    assert cut(wav(tmp_path / "a.wav", np.zeros(8000 * 5), np.zeros(8000 * 5)), POLICY).pieces == ()


def _covered(found: Cut) -> list[tuple[float, float]]:
    return [(piece.start, piece.end) for piece in found.pieces]


def test_the_limit_is_kept_and_nothing_is_lost_at_a_seam(tmp_path: Path) -> None:
    """100 s of speech without a pause, limit 40 s: pieces follow each other without gap or overlap."""
    found = cut(wav(tmp_path / "a.wav", voice(100)), replace(POLICY, max_piece_sec=40.0))
    assert len(found.pieces) >= 3
    assert all(piece.seconds <= 40 for piece in found.pieces)
    assert all(left[1] == right[0] for left, right in pairwise(_covered(found)))
    assert found.pieces[0].start == pytest.approx(0, abs=0.3)
    assert found.pieces[-1].end == pytest.approx(100, abs=0.3)


def test_a_seam_lies_in_the_gap_between_two_words(tmp_path: Path) -> None:
    """Gaps of 0.08 s for minutes after words that fade out: no word is cut, no piece is longer than a minute."""
    fading = np.linspace(1, 0.03, round(0.42 * RATE))
    words = [(number * 0.5, voice(0.42, seed=number % 7) * fading) for number in range(400)]
    found = cut(wav(tmp_path / "a.wav", on_line(200, *words)), POLICY)
    assert len(found.pieces) >= 4
    assert all(piece.seconds <= 60 for piece in found.pieces)
    for piece in found.pieces[:-1]:
        assert 0.40 <= piece.end % 0.5 <= 0.5


def test_a_turn_begins_where_its_speech_does(tmp_path: Path) -> None:
    """The padding before and after it is no part of the turn's time."""
    (piece,) = cut(wav(tmp_path / "a.wav", on_line(10, (3, voice(4)))), POLICY).pieces
    assert piece.start + piece.lead_sec == pytest.approx(3, abs=0.1)
    assert piece.end - piece.tail_sec == pytest.approx(7, abs=0.2)
    assert piece.lead_sec == pytest.approx(POLICY.pad_sec, abs=0.03)


def test_a_long_voice_is_cut_in_its_only_pause(tmp_path: Path) -> None:
    """The pause is 0.28 s, too short to end a turn, 12 s before the limit."""
    line = on_line(70, (0, voice(28)), (28.28, voice(40, seed=1)))
    policy = replace(POLICY, max_piece_sec=40.0, pause_sec=0.6)
    found = cut(wav(tmp_path / "a.wav", line), policy)
    assert 28.0 <= found.pieces[0].end <= 28.3


def test_the_byte_limit_counts_raw_samples(tmp_path: Path) -> None:
    policy = replace(POLICY, max_piece_bytes=100_000 + 10 * 16_000, mono_target_sec=600.0)
    found = cut(wav(tmp_path / "a.wav", voice(45)), policy)
    assert len(found.pieces) >= 4
    assert all(piece.seconds <= 10 for piece in found.pieces)


def test_a_diarizing_model_gets_long_pieces() -> None:
    policy = policy_for(profile_of("gpt-4o-transcribe-diarize"), max_file_minutes=15)
    assert policy.mono_target_sec == policy.max_piece_sec == 900
    assert policy_for(profile_of("gpt-4o-transcribe"), max_file_minutes=60).max_piece_sec == 1390


def test_the_cut_is_the_same_every_time_and_survives_json(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", on_line(12, (1, voice(2))), on_line(12, (4, voice(3, seed=1))))
    found = cut(path, POLICY)
    assert cut(path, POLICY) == found
    assert Cut.from_json(found.as_json()) == found


_MEASURE = """
import sys
from pathlib import Path
from include.speech.audio.cutting import cut
from include.speech.audio.encoding import encoded_pieces
from include.speech.audio.pieces import CutPolicy
found = cut(Path(sys.argv[1]), CutPolicy())
with encoded_pieces(Path(sys.argv[1]), found, "flac", folder=Path(sys.argv[2])) as files:
    sent = sum(1 for _ in files)
assert sent == len(found.pieces) > 100
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(peak.split()[1])
"""


@pytest.mark.long
def test_an_hour_does_not_need_its_samples_in_memory(tmp_path: Path) -> None:
    minute = on_line(60, *[(start, voice(4, seed=start)) for start in range(0, 60, 6)])
    path = wav(tmp_path / "hour.wav", minute, times=60)
    out = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(out.stdout) < 100 * 1024, "kB; the interpreter and its libraries are 50 MB, the decoded hour another 57"
