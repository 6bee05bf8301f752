"""Reads the numbered words of `numbered_words.py` from the bytes of an audio file, as a recogniser does."""

import io
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt

from simulators.sound.numbered_words import BASE, CHECK, DIGITS, HERTZ, PLACES

_WINDOW_SEC, _HOP_SEC = 0.05, 0.02
_WORD_FRAMES = 5  # about 0.13 s of a chord: a word that is cut in two is read twice
_MISREAD_FRAMES = 3  # fewer are a voice that resembles a number
_HOLES = 12  # frames that the voice may disturb; no number occurs twice within a quarter of a second
_STANDS_OUT = 1.2  # amplitude of a digit's tone relative to the next tone of its place
_SEGMENT_PAUSE_SEC, _SEGMENT_SEC = 0.3, 8.0

Powers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReadWord:
    """Seconds from the start of the audio."""

    number: int
    start: float
    end: float


def read_words(audio: bytes) -> tuple[list[ReadWord], float]:
    """The words in order, and the length in seconds. Raises av.FFmpegError or ValueError if it is not audio."""
    samples, rate = _decoded(audio)
    hop, window = round(_HOP_SEC * rate), round(_WINDOW_SEC * rate)
    if len(samples) < window:
        return [], len(samples) / rate
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    powers = np.square(frames @ _probe(rate)).reshape(len(frames), 2, DIGITS, BASE).sum(axis=1)
    return _words(_numbers(powers)), len(samples) / rate


def segments(words: list[ReadWord]) -> list[list[ReadWord]]:
    """Groups words to segments as Whisper models do: at pauses and after a maximum length."""
    grouped: list[list[ReadWord]] = [words[:1]] if words else []
    for before, word in pairwise(words):
        if word.start - before.end >= _SEGMENT_PAUSE_SEC or word.end - grouped[-1][0].start > _SEGMENT_SEC:
            grouped.append([])
        grouped[-1].append(word)
    return grouped


def _decoded(audio: bytes) -> tuple[npt.NDArray[np.float32], int]:
    with av.open(io.BytesIO(audio), "r") as container:
        if not container.streams.audio:
            raise ValueError("no audio stream")
        stream = container.streams.audio[0]
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(stream)]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32), stream.rate


@cache
def _probe(rate: int) -> npt.NDArray[np.float32]:
    """One column for the cosine and one for the sine of each tone."""
    size = round(_WINDOW_SEC * rate)
    angles = 2 * np.pi * np.outer(np.arange(size) / rate, HERTZ.reshape(-1))
    window = np.hanning(size)[:, np.newaxis]
    return np.hstack((np.cos(angles) * window, np.sin(angles) * window)).astype(np.float32)


def _numbers(powers: Powers) -> npt.NDArray[np.int64]:
    """The number in each frame, -1 for none."""
    digits = powers.argmax(axis=2)
    ordered = np.sort(powers, axis=2)
    clear = (ordered[..., -1] > _STANDS_OUT**2 * ordered[..., -2]).all(axis=1)
    sound = digits[:, :-1] @ CHECK % BASE == digits[:, -1]
    return np.where(clear & sound, digits[:, :-1] @ PLACES, -1)


def _words(numbers: npt.NDArray[np.int64]) -> list[ReadWord]:
    runs = _joined([[int(frame)] for frame in np.flatnonzero(numbers >= 0)], numbers)
    runs = _joined([run for run in runs if len(run) >= _MISREAD_FRAMES], numbers)
    middle, half = _WINDOW_SEC / 2, _HOP_SEC / 2
    return [
        ReadWord(
            int(numbers[run[0]]),
            round(max(0.0, run[0] * _HOP_SEC + middle - half), 3),
            round(run[-1] * _HOP_SEC + middle + half, 3),
        )
        for run in runs
        if len(run) >= _WORD_FRAMES
    ]


def _joined(runs: list[list[int]], numbers: npt.NDArray[np.int64]) -> list[list[int]]:
    """Joins neighbouring runs of the same number."""
    joined: list[list[int]] = []
    for run in runs:
        if joined and numbers[joined[-1][-1]] == numbers[run[0]] and run[0] - joined[-1][-1] <= _HOLES:
            joined[-1].extend(run)
        else:
            joined.append(list(run))
    return joined
