"""Writes the audio of the pieces to files for sending; decodes the recording a second time (ADR 0003)."""

from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from include.speech.audio.decoding import Source, opened
from include.speech.cuts import Cut, Piece, UploadFormat

CONTENT_TYPES: dict[UploadFormat, str] = {"flac": "audio/flac", "wav": "audio/wav"}
_CODECS: dict[UploadFormat, str] = {"flac": "flac", "wav": "pcm_s16le"}
_MIN_SECONDS = 0.25  # the services refuse less than 0.1 s; the difference allows for their rounding


@contextmanager
def encoded_pieces(
    path: Path, cut: Cut, upload_format: UploadFormat, *, folder: Path, skip: Collection[str] = ()
) -> Iterator[Iterator[tuple[Piece, Path]]]:
    """Yields (piece, file) in order of the pieces' ends; a file is deleted when the next one is requested.

    `skip`: keys of pieces whose responses are known already. `folder` must exist. The files are 16-bit mono at 8 or
    16 kHz; a quiet channel is amplified by the cut's gain; short pieces are padded with silence.
    """
    wanted = [piece for piece in cut.pieces if piece.key(upload_format) not in skip]
    with opened(path) as source:
        files = _files(source, cut, wanted, upload_format, folder)
        try:
            yield files
        finally:
            files.close()


def _files(
    source: Source, cut: Cut, wanted: list[Piece], upload_format: UploadFormat, folder: Path
) -> Generator[tuple[Piece, Path], None, None]:
    waiting = sorted(wanted, key=lambda piece: (piece.end, piece.start))
    writers: dict[Piece, _Writer] = {}
    block_start = 0
    try:
        for block in source.blocks():
            for piece in [piece for piece in waiting if _at(piece.start, source) < block_start + block.shape[1]]:
                if piece not in writers:
                    target = folder / f"{piece.key(upload_format)}.{upload_format}"
                    writers[piece] = _Writer(target, source.rate, _CODECS[upload_format])
                track = cut.mono_track if piece.channel is None else piece.channel
                first, last = max(_at(piece.start, source) - block_start, 0), _at(piece.end, source) - block_start
                writers[piece].write(_amplified(block[track, first:last], cut.gains[track]))
                if last <= block.shape[1]:
                    waiting.remove(piece)
                    yield from _finished(piece, writers)
            block_start += block.shape[1]
        for piece in waiting:  # a length rounded to milliseconds may end a few samples after the recording
            yield from _finished(piece, writers)
    finally:
        for writer in writers.values():
            writer.delete()


def _finished(piece: Piece, writers: dict[Piece, "_Writer"]) -> Iterator[tuple[Piece, Path]]:
    writers[piece].finish()
    yield piece, writers[piece].path
    writers.pop(piece).delete()


def _at(seconds: float, source: Source) -> int:
    return round(seconds * source.rate)


def _amplified(samples: NDArray[np.int16], gain: float) -> NDArray[np.int16]:
    amplified: NDArray[np.int16] = np.clip(samples * np.float32(gain), -32768, 32767).astype(np.int16)
    return amplified


class _Writer:
    """Writes the file of one piece."""

    def __init__(self, path: Path, rate: int, codec: str) -> None:
        self.path = path
        self._rate = rate
        self._written = 0
        self._container = av.open(str(path), "w")
        self._stream = cast(AudioStream, self._container.add_stream(codec, rate=rate, layout="mono", format="s16"))

    def write(self, samples: NDArray[np.int16]) -> None:
        if not samples.size:
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._written
        self._written += samples.size
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        missing = round(_MIN_SECONDS * self._rate) - self._written
        self.write(np.zeros(max(0, missing), dtype=np.int16))
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def delete(self) -> None:
        self._container.close()
        self.path.unlink(missing_ok=True)
