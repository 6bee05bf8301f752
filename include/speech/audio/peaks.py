"""How loud a recording is over its time, for drawing its waveform. The browser decodes nothing for it.

The file begins with version, channels and values a second (uint32) and seconds (float32), little-endian. Then one byte
for each value, 0..255: the first of each channel, the second of each channel, and so on. Where it is stored, a line
before it names the recording: a portal may replace one, under the same key.
"""

import base64
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from include.common.errors import ErrorCode
from include.common.expendable_process import Limits, results_of
from include.speech.audio.decoding import opened

VERSION = 1
PER_SECOND = 10
HEADER = struct.Struct("<IIIf")
_FULL = 32_768
_LIMITS = Limits(cpu_sec=120, memory_mb=512)


def peaks_apart(path: Path, *, most_seconds: float) -> bytes:
    """The file's content. Raises Permanent for what cannot be decoded, Temporary(decoding_died)."""
    arguments = {"path": str(path.absolute()), "most_seconds": most_seconds}
    with closing(results_of(_peaks, arguments, _LIMITS, code=ErrorCode.AUDIO_LIMITS)) as results:
        return base64.b64decode(next(results))


def peaks_of(path: Path, *, most_seconds: float) -> bytes:
    """The same in this process; a foreign file belongs into another one."""
    with opened(path, most_seconds=most_seconds) as source:
        size = source.rate // PER_SECOND
        loudest: list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]] = []
        samples = 0
        for block in source.blocks():
            samples += block.shape[1]
            padded = np.pad(np.abs(block.astype(np.int32)), ((0, 0), (0, -block.shape[1] % size)))
            values = padded.reshape(source.tracks, -1, size).max(axis=2)
            loudest.append(np.minimum(values * 256 // _FULL, 255).astype(np.uint8))
        whole = np.concatenate(loudest, axis=1) if loudest else np.zeros((source.tracks, 0), np.uint8)
        head = HEADER.pack(VERSION, source.tracks, PER_SECOND, samples / source.rate)
        return head + whole.T.tobytes()


def stored_form(peaks: bytes, source: str) -> bytes:
    """The file with the line that says what it was made of."""
    return _line(source) + peaks


def of_stored(content: bytes, source: str) -> bytes | None:
    """The file, if it was made of that recording."""
    line = _line(source)
    return content[len(line) :] if content.startswith(line) else None


def _line(source: str) -> bytes:
    return f"source={source}\n".encode()


def _peaks(path: str, most_seconds: float) -> Iterator[str]:
    yield base64.b64encode(peaks_of(Path(path), most_seconds=most_seconds)).decode()
