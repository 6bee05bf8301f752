"""Hold music that the voice detector takes for a voice: notes stand still, a voice never does (ADR 0004).

The spectrum of 120 ms is compared with that of 60 ms later. In music a fair share of such pairs are all but equal, in
speech hardly any: vowels glide, and their overtones with them.
"""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

HOP_FRAMES, WINDOW_FRAMES = 2, 4  # of 30 ms
_EQUAL = 0.92  # likeness of two spectra, 1 is the same
_SHARE = 0.15  # of equal pairs among the voiced; music has 0.18 and more, speech 0.06 and less
_NEAR_HOPS, _NEAR_LEAST = 33, 25  # of the 4 s around, 1.5 s must be voiced: a drawn-out "mm" is no music
_FAR_HOPS, _FAR_LEAST = (
    100,
    50,
)  # and of 12 s, 3 s: words may sound like notes by chance, not all that is said around them
_PHRASE_HOPS = 8  # half a second: as short as what people say into the last note
_FROM_HZ, _TO_HZ = 300, 3400


def still(samples: NDArray[np.int16], voiced: Bools, rate: int) -> NDArray[np.int8]:
    """Per hop of 60 ms of one block: 1 where the sound stands still, 0 where it moves, -1 where nobody asked.

    `voiced` is per frame; samples hold a whole number of frames.
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
    """`speech` per frame less what is music. `stretches`: its parts between pauses, in frames, end exclusive.

    To send a second of music costs little, to lose a word is final. So what stands next to something that is no music
    is kept, and in a stretch what comes before its first and after its last note.
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
        close = np.flatnonzero(np.diff(sounding) <= _PHRASE_HOPS)  # a voice stands still by chance, but not soon again
        if len(close) and len(sounding) >= _SHARE * asked[first:last].sum():
            before, after = int(sounding[close[0]]), last - first - int(sounding[close[-1] + 1])
            begins = first + before if before >= _PHRASE_HOPS else first
            ends = last - after if after >= _PHRASE_HOPS else last
            played = np.repeat(music[begins:ends], HOP_FRAMES)
            kept[begins * HOP_FRAMES : ends * HOP_FRAMES] &= ~played[: len(kept) - begins * HOP_FRAMES]
    return kept


def _spectra(windows: NDArray[np.int16], rate: int) -> NDArray[np.float32]:
    """Square roots of the amplitudes, so that one loud overtone does not speak for all; mean 0, length 1."""
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
    """How many are set within so many hops on either side."""
    total = np.concatenate(([0], np.cumsum(mask)))
    places = np.arange(len(mask))
    return total[np.minimum(places + hops + 1, len(mask))] - total[np.maximum(places - hops, 0)]
