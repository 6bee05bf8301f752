"""Containers that FFmpeg reads only in part: a WAV file whose header tells an old length, a chained Ogg file."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CHUNK = struct.Struct("<4sI")
_OGG_HEADER = 27  # bytes of a page before its table of segments
_FIRST_PAGE = 0x02  # flag of a page that begins a logical stream
_MOST_LINKS = 1000

Extent = tuple[int, int]  # bytes, end exclusive


def audio_after_the_header(path: Path) -> dict[str, str]:
    """Options of the demuxer.

    A recorder that was cut off leaves the length of its last save in the header of a WAV file. FFmpeg stops there, so
    the rest of the call would be lost. If what follows the samples is no chunk of the format, it is samples too.
    """
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        start = file.read(12)
        if (start[:4], start[8:]) != (b"RIFF", b"WAVE"):
            return {}
        at, after_samples = len(start), False
        while at + _CHUNK.size <= size:
            file.seek(at)
            name, length = _CHUNK.unpack(file.read(_CHUNK.size))
            if after_samples and not (name.isascii() and name.decode().isprintable() and at + length <= size):
                return {"ignore_length": "1"}
            after_samples |= name == b"data"
            at += _CHUNK.size + length + length % 2
    return {}


def ogg_links(path: Path) -> tuple[Extent, ...]:
    """The parts of a chained Ogg file, each of which is a file of its own; empty if there is only one part.

    A transferred call may be recorded as a chain. FFmpeg reads it only if all links have one rate and one number of
    channels.
    """
    with path.open("rb") as file:
        starts = list(_link_starts(file))
        size = file.seek(0, io.SEEK_END)
    return tuple(zip(starts, [*starts[1:], size], strict=True)) if len(starts) > 1 else ()


def _link_starts(file: io.BufferedReader) -> Iterator[int]:
    """Where a first page follows another kind of page; the first pages of streams that sound together are neighbours.

    It ends at the first damaged page: FFmpeg finds its way there.
    """
    at, was_first, found = 0, False, 0
    while found < _MOST_LINKS:
        header = file.read(_OGG_HEADER)
        if len(header) < _OGG_HEADER or header[:4] != b"OggS":
            return
        table = file.read(header[26])
        is_first = bool(header[5] & _FIRST_PAGE)
        if is_first and not was_first:
            found += 1
            yield at
        was_first = is_first
        at = file.seek(at + _OGG_HEADER + len(table) + sum(table))


class FilePart(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: Path, extent: Extent) -> None:
        self._file = path.open("rb")
        self._start, self._end = extent
        self._file.seek(self._start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._file.read(max(0, min(len(view), self._end - self._file.tell())))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: self._start, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._end}[whence]
        return self._file.seek(max(self._start, origin + offset)) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start

    def close(self) -> None:
        self._file.close()
        super().close()
