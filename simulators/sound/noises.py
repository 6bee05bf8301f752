"""Noises of telephone calls at 8 kHz, and what telephone networks do to speech.

Every noise is a function of a length in samples and a random generator, and has unit power.
"""

import io
from collections.abc import Callable
from functools import cache
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

from simulators.sound.synthesis import RATE, Samples, Voice, say

Sound = npt.NDArray[np.float64]
Noise = Callable[[int, np.random.Generator], Sound]

_NOTE_MAX_HZ = 3600
_BABBLE = ("Здравствуйте, вы позвонили в отдел заказов, подождите, пожалуйста, минуту.",
           "Да, конечно, я записал ваш адрес, курьер приедет завтра после обеда.",
           "Нет, этот номер не подходит, давайте попробуем ещё раз с самого начала.")  # fmt: skip
_BABBLE_VOICES = (Voice("ru", 30, 165), Voice("ru+f3", 60, 175), Voice("ru+m3", 45, 160), Voice("ru+f4", 75, 180),
                  Voice("ru+m1", 25, 150), Voice("ru+m7", 20, 170))  # fmt: skip


def white(length: int, rng: np.random.Generator) -> Sound:
    return _unit(rng.standard_normal(length))


def room(length: int, rng: np.random.Generator) -> Sound:
    """Noise whose power falls with the frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    return _unit(np.fft.irfft(spectrum / np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / RATE), 30)), length))


def hum(length: int, rng: np.random.Generator) -> Sound:
    """50 Hz with overtones."""
    return _unit(sum(_tone(length, 50 * k, rng) / k**0.7 for k in range(1, 13)))


def fans(length: int, rng: np.random.Generator) -> Sound:
    """Five steady tones over the noise of a room."""
    tones = ((118, 1.0), (236, 0.8), (473, 0.7), (940, 0.5), (1410, 0.4))
    return _unit(sum(share * _tone(length, hertz, rng) for hertz, share in tones) + 0.3 * room(length, rng))


def two_tones(length: int, rng: np.random.Generator) -> Sound:
    return _unit(_tone(length, 425, rng) + _tone(length, 850, rng))


def whine(length: int, rng: np.random.Generator) -> Sound:
    return _unit(_tone(length, 1000, rng))


def beeps(length: int, rng: np.random.Generator) -> Sound:
    """A quarter of a second every 5 s."""
    return _unit(_tone(length, 1400, rng) * _on(length, 0.25, 5))


def ring_back(length: int, rng: np.random.Generator) -> Sound:
    return _unit(_tone(length, 425, rng) * _on(length, 1, 5))


def american_ring_back(length: int, rng: np.random.Generator) -> Sound:
    return _unit((_tone(length, 440, rng) + _tone(length, 480, rng)) * _on(length, 2, 6))


def busy(length: int, rng: np.random.Generator) -> Sound:
    return _unit(_tone(length, 425, rng) * _on(length, 0.35, 0.7))


def struck(length: int, rng: np.random.Generator) -> Sound:
    """A melody and chords that decay, as of a piano."""
    return _unit(_melody(length, rng, beat=0.6, decay=3) + 0.7 * _chords(length, rng, beat=0.6, decay=1.5))


def drums(length: int, rng: np.random.Generator) -> Sound:
    """A melody with drums."""
    return _unit(_melody(length, rng, beat=0.6, decay=3) + 1.5 * _drums(length, rng, beat=0.6))


def organ(length: int, rng: np.random.Generator) -> Sound:
    return _unit(
        _melody(length, rng, beat=0.9, decay=0, vibrato=0.003)
        + 0.7 * _chords(length, rng, beat=0.9, decay=0, vibrato=0.003)
    )


def strings(length: int, rng: np.random.Generator) -> Sound:
    return _unit(
        _melody(length, rng, beat=1.4, decay=0.3, vibrato=0.006)
        + 0.7 * _chords(length, rng, beat=1.4, decay=0.15, vibrato=0.006)
    )


def babble(length: int, rng: np.random.Generator) -> Sound:
    """Six voices at the same time."""
    mixed = np.zeros(length)
    for number, voice in enumerate(_BABBLE_VOICES):
        said = np.concatenate([say(text, voice) for text in _BABBLE]).astype(np.float64)
        mixed += np.resize(np.roll(said, int(rng.integers(len(said))) * (number + 1)), length)
    return _unit(mixed)


def through_codec(samples: Samples, codec: str, container: str, bit_rate: int | None = None) -> Samples:
    """Mono samples, encoded and decoded again."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = cast(AudioStream, output.add_stream(codec, rate=RATE, layout="mono"))
        if bit_rate:
            stream.codec_context.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate([part.to_ndarray()[0] for part in (*frames, *resampler.resample(None))])


def _unit(sound: Sound) -> Sound:
    centred = sound - sound.mean()
    unit: Sound = centred / (np.sqrt(np.mean(centred**2)) + 1e-12)
    return unit


def _tone(length: int, hertz: float, rng: np.random.Generator) -> Sound:
    return np.sin(2 * np.pi * hertz * np.arange(length) / RATE + rng.uniform(0, 2 * np.pi))


def _on(length: int, seconds: float, period: float) -> npt.NDArray[np.bool_]:
    return np.arange(length) / RATE % period < seconds


def _melody(length: int, rng: np.random.Generator, *, beat: float, decay: float, vibrato: float = 0.0) -> Sound:
    line = np.zeros(length + 4 * RATE)
    for start in np.arange(0, length / RATE, beat / 2):
        hertz = 440 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12]) / 12)
        _add(line, start, _note(hertz, beat * 0.48, decay, vibrato))
    return line[:length]


def _chords(length: int, rng: np.random.Generator, *, beat: float, decay: float, vibrato: float = 0.0) -> Sound:
    line = np.zeros(length + 4 * RATE)
    for start in np.arange(0, length / RATE, beat):
        root = rng.choice([0, 5, 7])
        for step in (0, 4, 7):
            _add(line, start, _note(220 * 2 ** ((step + root) / 12), beat * 2, decay, vibrato))
    return line[:length]


def _drums(length: int, rng: np.random.Generator, *, beat: float) -> Sound:
    line, t = np.zeros(length + 4 * RATE), np.arange(RATE // 8) / RATE
    for start in np.arange(0, length / RATE, beat):
        _add(line, start, np.sin(2 * np.pi * 70 * t) * np.exp(-30 * t))
        _add(line, start + beat / 2, rng.standard_normal(len(t)) * np.exp(-50 * t))
    return line[:length]


@cache
def _note(hertz: float, seconds: float, decay: float, vibrato: float) -> Sound:
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * (t + vibrato / 35 * np.sin(35 * t))
    partials = np.sum([np.sin(k * phase) / k for k in range(1, 6) if k * hertz < _NOTE_MAX_HZ], axis=0)
    note: Sound = partials * np.exp(-decay * t) * np.minimum(1, t / 0.01) * np.minimum(1, (seconds - t) / 0.02)
    return note


def _add(line: Sound, start: float, sound: Sound) -> None:
    at = round(start * RATE)
    line[at : at + len(sound)] += sound
