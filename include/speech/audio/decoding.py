"""Decodes a recording to a stream of samples in blocks of bounded size, with PyAV (ADR 0003).

The file is untrusted. FFmpeg also opens play lists and scripts that name other files and addresses, so the allowed
demuxers are listed and the only protocol is `file`. A header may lie: a 206-byte file with a rate of 4 Hz becomes 3 GB
of samples. So rate, channels and length are limited, and the product decodes in a process of its own (`apart.py`).
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
from include.speech.audio.odd_containers import Extent, FilePart, audio_after_the_header, ogg_links

Samples = NDArray[np.int16]  # (channels, samples)

BLOCK_SEC = 30
MIN_RATE, MAX_RATE = 4_000, 192_000
MAX_CHANNELS = 8
MAX_SECONDS = 12 * 3600.0
_DEMUXERS = "wav,w64,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,aiff,au,caf,asf,gsm"
OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
_TELEPHONE_RATE, _WIDEBAND_RATE = 8000, 16000  # recognisers work at 16 kHz; a higher rate only adds bytes


@dataclass(frozen=True, slots=True)
class Source:
    """An opened recording. `rate` and `tracks` describe the blocks, not the file.

    `links`: the recordings that a chained Ogg file consists of; empty for any other file.
    """

    container: InputContainer
    stream: AudioStream
    rate: int
    tracks: int
    path: Path
    links: tuple[Extent, ...] = ()
    most_seconds: float = MAX_SECONDS

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
        fifo = AudioFifo()
        resampler: AudioResampler | None = None
        form: tuple[str, str, int] | None = None
        for frame in self._checked_frames():
            # A recording joined of several may change its rate or channels in the middle. The fifo does not check the
            # channels and would read beyond the frame.
            before, form = form, _form(frame)
            if resampler is None or before != form:
                yield from self._drained(fifo, resampler)
                fifo, resampler = AudioFifo(), self._resampler(frame)
            fifo.write(frame)
            if fifo.samples >= frame.sample_rate:
                yield from self._arrays(resampler.resample(fifo.read()))
        yield from self._drained(fifo, resampler)

    def _checked_frames(self) -> Iterator[AudioFrame]:
        """Each frame has a rate and channels of its own, whatever the header of the file says."""
        seconds = 0.0
        for frame in self._frames():
            check_form(frame.sample_rate, frame.layout.nb_channels)
            if not frame.samples:
                continue
            seconds += frame.samples / frame.sample_rate
            if seconds > self.most_seconds:
                raise beyond_limits(f"it is longer than {self.most_seconds / 60:.0f} min, the most for its call")
            frame.pts = None  # time is counted in samples: broken time stamps must not insert or drop any
            yield frame

    def _frames(self) -> Iterator[AudioFrame]:
        if not self.links:
            yield from _decoded(self.container, self.stream)
        for link in self.links:
            with _opened_link(self.path, link) as (container, stream):
                yield from _decoded(container, stream)

    def _resampler(self, frame: AudioFrame) -> AudioResampler:
        """Keeps the channels of a recording with more than two: FFmpeg's mixture has nothing of some of them."""
        if self.tracks == 1 and frame.layout.nb_channels > 2:
            return AudioResampler(format="s16", layout=frame.layout, rate=self.rate)
        return AudioResampler(format="s16p", layout="stereo" if self.tracks == 2 else "mono", rate=self.rate)

    def _drained(self, fifo: AudioFifo, resampler: AudioResampler | None) -> Iterator[Samples]:
        if resampler is not None:
            yield from self._arrays(resampler.resample(fifo.read()) if fifo.samples else [])
            yield from self._arrays(resampler.resample(None))

    def _arrays(self, frames: list[AudioFrame]) -> Iterator[Samples]:
        for frame in frames:
            samples = frame.to_ndarray()
            if not frame.format.is_planar:
                samples = samples.reshape(-1, frame.layout.nb_channels).mean(axis=1).reshape(1, -1)
            yield samples.astype(np.int16, copy=False)


@contextmanager
def opened(path: Path, *, most_seconds: float = MAX_SECONDS) -> Iterator[Source]:
    """Opens a recording.

    Raises Permanent(not_audio) if it cannot be decoded, whatever its file name says, and Permanent(audio_limits) if its
    rate, its channels or, while it is read, its length are beyond the limits.
    """
    try:
        container = av.open(str(path), options=OPTIONS | audio_after_the_header(path))
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        raise not_audio() from None
    with container:
        streams = container.streams.audio
        if not streams or not streams[0].rate:
            raise not_audio()
        stream = streams[0]
        links = ogg_links(path) if container.format.name == "ogg" else ()
        rates, channels = _forms(path, links) if links else ([stream.rate], [stream.channels])
        for form in zip(rates, channels, strict=True):
            check_form(*form)
        rate = _TELEPHONE_RATE if max(rates) <= _TELEPHONE_RATE else _WIDEBAND_RATE
        tracks = 2 if set(channels) == {2} else 1  # a link with one channel would be heard on both
        yield Source(container, stream, rate, tracks, path, links, min(most_seconds, MAX_SECONDS))


def not_audio() -> Permanent:
    return Permanent(
        "the file is not a recording that can be decoded",
        code=ErrorCode.NOT_AUDIO,
    )


def beyond_limits(which: str) -> Permanent:
    return Permanent(f"the recording is not decoded: {which}", code=ErrorCode.AUDIO_LIMITS)


def check_form(rate: int, channels: int) -> None:
    """Raises Permanent(audio_limits)."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise beyond_limits(f"its sample rate is {rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are decoded")
    if channels > MAX_CHANNELS:
        raise beyond_limits(f"it has {channels} channels; at most {MAX_CHANNELS} are decoded")


def _forms(path: Path, links: tuple[Extent, ...]) -> tuple[list[int], list[int]]:
    """Rate and number of channels of each link."""
    rates, channels = list[int](), list[int]()
    for link in links:
        with _opened_link(path, link) as (_, stream):
            rates.append(stream.rate)
            channels.append(stream.channels)
    return rates, channels


@contextmanager
def _opened_link(path: Path, link: Extent) -> Iterator[tuple[InputContainer, AudioStream]]:
    with FilePart(path, link) as part:
        try:
            container = av.open(part, mode="r", options=OPTIONS)
        except (av.FFmpegError, ValueError):
            raise not_audio() from None
        with container:
            if not container.streams.audio:
                raise not_audio()
            yield container, container.streams.audio[0]


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            continue  # a damaged packet; the rest of the call is still recognised


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
