"""Compares the two channels of a recording, block by block: are they one sound, does one leak into the other."""

import numpy as np

from include.speech.audio.decoding import Samples
from include.speech.audio.frames import FRAME_MS, Bools, Floats

_LEAK_LIKENESS = 0.9  # the voices of two people stay below 0.5
_LAG_MS = 5  # the longest delay of one channel of the same sound; an echo has tens of ms
_LAG_WINDOW_SEC = 1
_LEAK_DB = 12.0  # a leak is weaker by at least this; joint stereo codecs leak at about -30 dB


class ChannelComparison:
    """Fed with both channels; memory grows by 2 bytes per 30 ms."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size = rate * FRAME_MS // 1000
        self._sums = np.zeros(3)
        self._leaked: tuple[list[Bools], list[Bools]] = ([], [])

    def add(self, block: Samples) -> None:
        """`block` of (2, samples); only the last one may end inside a frame."""
        padded = np.pad(block, ((0, 0), (0, -block.shape[1] % self._size))).astype(np.float32)
        left, right = padded.reshape(2, -1, self._size)
        powers = np.square(left).sum(axis=1), np.square(right).sum(axis=1)
        product = np.einsum("ij,ij->i", left, right)
        likeness = self._likeness(*padded, loudest=int((powers[0] * powers[1]).argmax()) * self._size)
        self._sums += [float(powers[0].sum()), float(powers[1].sum()), likeness]
        alike = np.abs(product) > _LEAK_LIKENESS * np.sqrt(powers[0] * powers[1])
        for leaked, own, other in zip(self._leaked, powers, reversed(powers), strict=True):
            leaked.append(alike & (other > 10 ** (_LEAK_DB / 10) * own))

    def _likeness(self, left: Floats, right: Floats, *, loudest: int) -> float:
        """The absolute product of both, at the lag that fits best in the second around `loudest`."""
        reach, half = self._rate * _LAG_MS // 1000, self._rate * _LAG_WINDOW_SEC // 2
        start, end = max(reach, loudest - half), min(len(left) - reach, loudest + half)
        if start >= end:
            return abs(float(left @ right))
        seen = np.correlate(left[start - reach : end + reach], right[start:end], mode="valid")
        lag = int(np.abs(seen).argmax()) - reach
        shifted = left[lag:] @ right[: len(right) - lag] if lag >= 0 else left[:lag] @ right[-lag:]
        return abs(float(shifted))

    @property
    def correlation(self) -> float:
        """0..1: 1 if both hold the same sound, also at another level, inverted or up to 5 ms apart."""
        left, right, both = self._sums
        return float(both / np.sqrt(left * right)) if left and right else 0.0

    def leaked(self, channel: int) -> Bools:
        """Per frame: True if the channel holds only what leaks from the other one."""
        return np.concatenate(self._leaked[channel])
