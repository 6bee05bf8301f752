"""Decodes a recording to a stream of samples in blocks of bounded size, with PyAV (ADR 0003).

The file is untrusted. FFmpeg also opens play lists and scripts that name other files and addresses, so the allowed
demuxers are listed and the only protocol is `file`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from include.common.errors import ErrorCode, Permanent

Samples = NDArray[np.int16]  # (channels, samples)

BLOCK_SEC = 30
_DEMUXERS = "wav,w64,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,aiff,au,caf,asf,gsm"
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
_TELEPHONE_RATE, _WIDEBAND_RATE = 8000, 16000  # recognisers work at 16 kHz; a higher rate only adds bytes


@dataclass(frozen=True, slots=True)
class Source:
    """An opened recording. `rate` and `tracks` describe the blocks, not the file."""

    container: InputContainer
    stream: AudioStream
    rate: int
    tracks: int

    def blocks(self) -> Iterator[Samples]:
        """16-bit samples in blocks of BLOCK_SEC; the last block is shorter."""
        size, waiting, count = BLOCK_SEC * self.rate, list[Samples](), 0
        for part in self._parts():
            waiting.append(part)
            count += part.shape[1]
            if count >= size:
                joined = np.concatenate(waiting, axis=1)
                whole = count - count % size
                yield from (joined[:, start : start + size] for start in range(0, whole, size))
                waiting, count = [joined[:, whole:]], count - whole
        if count:
            yield np.concatenate(waiting, axis=1)

    def _parts(self) -> Iterator[Samples]:
        """Resamples a second at a time: doing it per packet, 50,000 in an hour, costs more than decoding them."""
        fifo, resampler, form = AudioFifo(), self._resampler(), None
        for frame in self._frames():
            # A recording joined of several may change its rate or channels in the middle. The fifo does not check the
            # channels and would read beyond the frame.
            before, form = form, _form(frame)
            if before not in (None, form):
                yield from _drained(fifo, resampler)
                fifo, resampler = AudioFifo(), self._resampler()
            fifo.write(frame)
            if fifo.samples >= frame.sample_rate:
                yield from _arrays(resampler.resample(fifo.read()))
        yield from _drained(fifo, resampler)

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self.container.demux(self.stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # a damaged packet; the rest of the call is still recognised
            for frame in frames:
                frame.pts = None  # time is counted in samples: broken time stamps must not insert or drop any
                yield frame

    def _resampler(self) -> AudioResampler:
        layout = "stereo" if self.tracks == 2 else "mono"
        return AudioResampler(format="s16p", layout=layout, rate=self.rate)


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a recording. Raises Permanent(not_audio) if it cannot be decoded, whatever its file name says."""
    try:
        container = av.open(str(path), options=_OPTIONS)
    except (av.FFmpegError, ValueError):
        raise not_audio() from None
    with container:
        streams = container.streams.audio
        if not streams or not streams[0].rate:
            raise not_audio()
        stream = streams[0]
        rate = _TELEPHONE_RATE if stream.rate <= _TELEPHONE_RATE else _WIDEBAND_RATE
        yield Source(container, stream, rate, 2 if stream.channels == 2 else 1)


def not_audio() -> Permanent:
    return Permanent(
        "the file is not a recording that can be decoded",
        code=ErrorCode.NOT_AUDIO,
    )


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _drained(fifo: AudioFifo, resampler: AudioResampler) -> Iterator[Samples]:
    if fifo.samples_written:
        yield from _arrays(resampler.resample(fifo.read()) if fifo.samples else [])
        yield from _arrays(resampler.resample(None))


def _arrays(frames: list[AudioFrame]) -> Iterator[Samples]:
    for frame in frames:
        yield frame.to_ndarray().astype(np.int16, copy=False)
