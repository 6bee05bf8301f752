"""The speech model finds what the rules would not send, and costs one thread."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from include.speech.audio.cutting import cut
from include.speech.audio.frames import FRAMES_PER_SEC
from include.speech.audio.pieces import CutPolicy
from include.speech.audio.speech_model import MODEL, SpeechModel, speech_by_model
from simulators.sound.synthesis import Voice, say
from tests.unit.speech.audio.synth import RATE, Sound, at_level, hiss, music, on_line, tone, wav

PHRASE = "Здравствуйте, подскажите, пожалуйста, когда приедет курьер и сколько стоит доставка?"


def spoken(dbfs: float = -20.0) -> Sound:
    return at_level(say(PHRASE, Voice("ru", 45, 165)).astype(np.float64) / 32768, dbfs)


def test_speech_has_a_probability_and_noise_has_none() -> None:
    model, sound = SpeechModel(), (on_line(10, (2, spoken())) * 32767).astype(np.int16)
    frames = round(10 * FRAMES_PER_SEC)
    model.add(sound, np.ones(frames, dtype=np.bool_), RATE)
    speech = model.speech(frames)
    end = 2 + len(spoken()) / RATE
    assert speech[round(2.2 * FRAMES_PER_SEC) : round((end - 0.2) * FRAMES_PER_SEC)].mean() > 0.8
    assert not speech[: round(1.7 * FRAMES_PER_SEC)].any()
    assert not speech[round((end + 0.5) * FRAMES_PER_SEC) :].any()


def test_only_doubtful_sound_is_asked_about(tmp_path: Path) -> None:
    """Two phrases, one of them doubtful; a block is 30 s, the second phrase is in the second one."""
    path = wav(tmp_path / "a.wav", on_line(60, (5, spoken()), (40, spoken())))
    doubtful = np.zeros(round(60 * FRAMES_PER_SEC), dtype=np.bool_)
    doubtful[round(40 * FRAMES_PER_SEC) : round(44 * FRAMES_PER_SEC)] = True
    (found,) = speech_by_model(path, [doubtful], [1.0])
    # 0.80 to 0.84: the voice sounds a little different after other voices in one process
    assert found[round(40.5 * FRAMES_PER_SEC) : round(42 * FRAMES_PER_SEC)].mean() > 0.7
    assert not found[: round(39 * FRAMES_PER_SEC)].any()


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(sum(tone(60, 50.0 * k, dbfs=-30 - k) for k in range(1, 13)), id="hum"),
        pytest.param(music(60, dbfs=-28), id="music with drums"),
        pytest.param(hiss(60, dbfs=-28), id="hiss"),
    ],
)
def test_speech_over_noise_is_sent(tmp_path: Path, noise: Sound) -> None:
    """The rules take it for noise or music."""
    line, length = noise.copy(), len(spoken()) / RATE
    for start in (10, 30, 50):
        line[start * RATE : start * RATE + len(spoken())] += spoken()
    pieces = cut(wav(tmp_path / "a.wav", line), CutPolicy()).pieces
    for start in (10, 30, 50):
        sent = sum(max(0.0, min(piece.end, start + length) - max(piece.start, start)) for piece in pieces)
        assert sent > 0.95 * length


def test_the_cut_names_the_model_and_what_is_not_sent(tmp_path: Path) -> None:
    line = on_line(60, (5, spoken()), (15, music(40)), noise_dbfs=-70)
    found = cut(wav(tmp_path / "a.wav", line), CutPolicy())
    assert found.speech_model == MODEL
    assert 30 < found.unsent_sec < 45
    assert found.sent_share < 0.3
    assert found.music_share == 0.0, "the music is not between speech"


def test_music_between_speech_is_counted(tmp_path: Path) -> None:
    line = on_line(70, (2, spoken()), (12, music(40)), (60, spoken()), noise_dbfs=-70)
    assert cut(wav(tmp_path / "a.wav", line), CutPolicy()).music_share > 0.5


_THREADS = """
import os
before = os.environ.get("OMP_THREAD_LIMIT")
import numpy as np
from include.speech.audio.speech_model import SpeechModel
model, sound = SpeechModel(), np.zeros(16000, dtype=np.int16)
model.add(sound, np.zeros(67, dtype=np.bool_), 8000)  # the resampler has threads of its own
threads = len(os.listdir("/proc/self/task"))
model.add(sound, np.ones(67, dtype=np.bool_), 8000)
assert os.environ.get("OMP_THREAD_LIMIT") == before
print(len(os.listdir("/proc/self/task")) - threads)
"""


@pytest.mark.parametrize("limit", [None, "7"])
def test_the_model_starts_no_threads(limit: str | None) -> None:
    """With its four threads it costs nine times the processor time. The setting of others stays as it is."""
    environment = {**os.environ, **({"OMP_THREAD_LIMIT": limit} if limit else {})}
    ran = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, env=environment, check=True)
    assert int(ran.stdout) == 0
