"""Calls in which every word carries its number as a chord under a synthesised voice.

The voice detector takes the voice for speech; a recogniser that has only the samples reads the chord
(`word_reader.py`). A number is five digits to the base of eight and a check digit; each has one tone, and all six sound
at the same time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

from simulators.sound.synthesis import RATE, Samples, Voice, say

Floats = npt.NDArray[np.float32]

BASE, DIGITS = 8, 6
HIGHEST = BASE ** (DIGITS - 1) - 1
PLACES, CHECK = (
    BASE ** np.arange(DIGITS - 1),
    np.arange(1, DIGITS),
)  # value of a digit; its weight in the check
HERTZ = 1000.0 + 48.0 * np.arange(BASE * DIGITS).reshape(DIGITS, BASE)  # [digit's place, digit]; mp3 at 8 kHz keeps all

_VOICES = (Voice("ru", 45, 165), Voice("ru+f4", 70, 180))  # left, right
_SAID = (
    "здравствуйте",
    "заказ",
    "адрес",
    "номер",
    "время",
    "договор",
    "хорошо",
    "завтра",
    "понятно",
    "оплата",
    "курьер",
    "сегодня",
)
_VOICE_RMS, _TONE_RMS = 2600.0, 1000.0  # all six tones together have the level of the voice
_NOISE_RMS = 8.0  # about -72 dBFS: a quiet line, never digital silence
_FADE = RATE // 100
_BLOCK_SEC = 60
_FORMATS: dict[str, tuple[str, str, int | None, dict[str, str]]] = {
    # options for speed; Opus at 32 kbit/s mixes two voices that speak at the same time
    "mp3": ("mp3", "libmp3lame", 32_000, {"compression_level": "9"}),
    "wav": ("wav", "pcm_s16le", None, {}),
    "ogg": ("ogg", "libopus", 64_000, {"compression_level": "0"}),
    "m4a": ("ipod", "aac", 48_000, {"aac_coder": "fast"}),
}


@dataclass(frozen=True, slots=True)
class Word:
    """`start` and `end` are seconds; `speaker` 0 is on the left channel, 1 on the right."""

    number: int
    speaker: int
    start: float
    end: float


def digits_of(number: int) -> npt.NDArray[np.int64]:
    """The five digits and the check digit, which makes a misread number invalid."""
    digits = number // PLACES % BASE
    return np.append(digits, digits @ CHECK % BASE)


def dialogue(
    seconds: float,
    *,
    seed: int = 1,
    turn_words: tuple[int, int] = (1, 25),
    between_turns: tuple[float, float] = (0.35, 1.4),
    between_words: tuple[float, float] = (0.05, 0.2),
    talk_over: float = 0.0,
) -> list[Word]:
    """Two people in turns until `seconds` are over; pauses in seconds.

    `talk_over`: the share of turns that begin before the other speaker has ended; only for two channels.
    """
    rng = random.Random(seed)
    words: list[Word] = []
    begins, speaker, spoke_until = rng.uniform(0.5, 2.0), 0, [0.0, 0.0]
    while True:
        begins = at = max(begins, spoke_until[speaker] + between_turns[0])  # a speaker does not overlap himself
        for _ in range(rng.randint(*turn_words)):
            length = len(_voice(speaker, len(words))) / RATE
            if at + length > seconds - 0.5 or len(words) > HIGHEST:
                return words
            words.append(Word(len(words), speaker, at, at + length))
            at += length + rng.uniform(*between_words)
        spoke_until[speaker] = at
        over = rng.random() < talk_over and at - begins > 3
        begins = at - rng.uniform(0.5, 1.5) if over else at + rng.uniform(*between_turns)
        speaker = 1 - speaker


def monologue(seconds: float, *, seed: int = 1, between_words: tuple[float, float] = (0.05, 0.2)) -> list[Word]:
    """One person without a pause."""
    return [
        word
        for word in dialogue(seconds, seed=seed, turn_words=(HIGHEST, HIGHEST), between_words=between_words)
        if word.speaker == 0
    ]


def record(path: Path, words: Sequence[Word], seconds: float, *, stereo: bool) -> Path:
    """Writes the words to a file; its extension selects the container. One minute at a time is in memory."""
    container, codec, bit_rate, options = _FORMATS[path.suffix[1:]]
    layout = "stereo" if stereo else "mono"
    with av.open(str(path), "w", format=container) as output:
        stream = cast(AudioStream, output.add_stream(codec, rate=RATE, layout=layout, options=options))
        if bit_rate:
            stream.codec_context.bit_rate = bit_rate
        written = 0
        for block in sound(words, seconds, stereo=stereo):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T).reshape(1, -1), "s16", layout)
            frame.sample_rate, frame.pts = RATE, written
            written += block.shape[1]
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def sound(words: Sequence[Word], seconds: float, *, stereo: bool) -> Iterator[Samples]:
    """Blocks of (channels, samples)."""
    rng = np.random.default_rng(0)
    waiting = sorted(words, key=lambda word: word.start)
    for first in range(0, round(seconds * RATE), _BLOCK_SEC * RATE):
        length = min(_BLOCK_SEC * RATE, round(seconds * RATE) - first)
        block = rng.standard_normal((2 if stereo else 1, length), dtype=np.float32) * np.float32(_NOISE_RMS)
        for word in [word for word in waiting if word.start * RATE < first + length]:
            said = spoken(word)
            begins = round(word.start * RATE) - first
            inside = said[max(0, -begins) : length - begins]
            block[word.speaker if stereo else 0, max(0, begins) : max(0, begins) + len(inside)] += inside
            if begins + len(said) <= length:
                waiting.remove(word)
        yield np.clip(block, -32768, 32767).astype(np.int16)


def spoken(word: Word) -> Floats:
    """The voice with the chord of the word."""
    voice = _voice(word.speaker, word.number)
    tones = _tones()[range(DIGITS), digits_of(word.number), : len(voice)].sum(axis=0)
    edges = np.minimum(1, np.minimum(np.arange(len(voice)), np.arange(len(voice))[::-1]) / np.float32(_FADE))
    together: Floats = ((voice + tones) * edges).astype(np.float32)
    return together


def _voice(speaker: int, number: int) -> Floats:
    return _said(speaker, number * 5 % len(_SAID))


@cache
def _said(speaker: int, text: int) -> Floats:
    """One of a few words without the silence around it, at the usual level."""
    samples = say(_SAID[text], _VOICES[speaker]).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > 0.05 * np.abs(samples).max())
    word = samples[loud[0] : loud[-1] + 1]
    usual: Floats = (word * (_VOICE_RMS / np.sqrt(np.mean(word**2)))).astype(np.float32)
    return usual


@cache
def _tones() -> Floats:
    """[digit's place, digit, sample], as long as any word."""
    t = np.arange(2 * RATE) / RATE
    phases = np.random.default_rng(1).uniform(0, 2 * np.pi, HERTZ.shape)
    waves = np.sin(2 * np.pi * HERTZ[..., np.newaxis] * t + phases[..., np.newaxis])
    tones: Floats = (waves * _TONE_RMS * np.sqrt(2)).astype(np.float32)
    return tones
