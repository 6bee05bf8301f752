"""Detects hold music that the voice detector takes for speech: the spectrum of a note is constant (ADR 0004).

The spectrum of 120 ms is compared with that of 60 ms later. In music 18 % and more of such pairs are nearly equal, in
speech 6 % and less: the pitch of a vowel moves, and its overtones with it.
"""

import numpy as np
from numpy.typing import NDArray

from include.speech.audio.frames import Bools

HOP_FRAMES, WINDOW_FRAMES = 2, 4  # of 30 ms
_EQUAL = 0.92  # likeness of two spectra; 1 is equal
_SHARE = 0.15  # of equal pairs among the voiced ones; music has 0.18 and more, speech 0.06 and less
_NEAR_HOPS, _NEAR_LEAST = 33, 25  # 1.5 of the 4 s around must be voiced: a long "mm" is not music
_FAR_HOPS, _FAR_LEAST = (
    100,
    50,
)  # and 3 of the 12 s around: single words may resemble notes, all the words around do not
_PHRASE_HOPS = 8  # half a second: the shortest phrase that is said during the last note
_FROM_HZ, _TO_HZ = 300, 3400


def still(samples: NDArray[np.int16], voiced: Bools, rate: int) -> NDArray[np.int8]:
    """Per hop of 60 ms of one block: 1 if the spectrum is constant, 0 if it changes, -1 if the hop is not voiced.

    `voiced` is per frame; `samples` are whole frames.
    """
    found = np.full(-(-len(voiced) // HOP_FRAMES), -1, dtype=np.int8)
    size = len(samples) // max(1, len(voiced)) * WINDOW_FRAMES
    if len(samples) < size or not voiced.any():
        return found
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // WINDOW_FRAMES * HOP_FRAMES]
    asked = voiced[::HOP_FRAMES][: len(windows) - 1]
    (first,) = np.nonzero(asked)
    needed = np.union1d(first, first + 1)
    spectra = _spectra(windows[needed], rate)
    place = np.searchsorted(needed, first)
    likeness = np.einsum("ij,ij->i", spectra[place], spectra[place + 1])
    found[first] = likeness > _EQUAL
    return found


def without_music(speech: Bools, stills: NDArray[np.int8], stretches: list[tuple[int, int]]) -> Bools:
    """`speech` per frame without music. `stretches`: its parts between pauses, in frames, end exclusive.

    A second of music that is sent costs little; a word that is not sent is lost. So music next to other sound is kept,
    and in a stretch the part before its first and after its last note.
    """
    asked, notes = stills >= 0, stills == 1
    near = _musical(notes, asked, _NEAR_HOPS, _NEAR_LEAST)
    far = _musical(notes, asked, _FAR_HOPS, _FAR_LEAST)
    moving = asked & ~(near & far)
    music = _within(_NEAR_HOPS, moving) == 0
    kept = speech.copy()
    for start, end in stretches:
        first, last = start // HOP_FRAMES, -(-end // HOP_FRAMES)
        sounding = np.flatnonzero(notes[first:last])
        close = np.flatnonzero(
            np.diff(sounding) <= _PHRASE_HOPS
        )  # a single equal pair occurs in speech too, two of them in a short time do not
        if len(close) and len(sounding) >= _SHARE * asked[first:last].sum():
            before, after = int(sounding[close[0]]), last - first - int(sounding[close[-1] + 1])
            begins = first + before if before >= _PHRASE_HOPS else first
            ends = last - after if after >= _PHRASE_HOPS else last
            played = np.repeat(music[begins:ends], HOP_FRAMES)
            kept[begins * HOP_FRAMES : ends * HOP_FRAMES] &= ~played[: len(kept) - begins * HOP_FRAMES]
    return kept


def _spectra(windows: NDArray[np.int16], rate: int) -> NDArray[np.float32]:
    """Square roots of the amplitudes, so that one loud overtone does not dominate; mean 0, length 1."""
    size = windows.shape[1]
    band = slice(_FROM_HZ * size // rate, _TO_HZ * size // rate)
    amplitudes = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32))[:, band])
    rooted = np.sqrt(amplitudes).astype(np.float32)
    rooted -= rooted.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rooted, axis=1, keepdims=True) + np.float32(1e-9)
    normed: NDArray[np.float32] = rooted / length
    return normed


def _musical(notes: Bools, asked: Bools, hops: int, least: int) -> Bools:
    voiced = _within(hops, asked)
    return (voiced >= least) & (_within(hops, notes) >= _SHARE * voiced)


def _within(hops: int, mask: Bools) -> NDArray[np.int64]:
    """Per hop: the number of set values within `hops` on either side."""
    total = np.concatenate(([0], np.cumsum(mask)))
    places = np.arange(len(mask))
    return total[np.minimum(places + hops + 1, len(mask))] - total[np.maximum(places - hops, 0)]
