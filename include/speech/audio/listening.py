"""A copy of a recording for listening: Opus in Ogg, which browsers play and in which they find every second.

Not every recording needs one. Browsers do not play AMR, GSM or A-law, and in MPEG audio of a changing bit rate and in
AAC without a container they guess where a second is: the text would run beside the sound.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame

from include.common.errors import ErrorCode, Permanent
from include.common.expendable_process import Limits, results_of
from include.speech.audio.decoding import OPTIONS, Samples, Source, opened

CONTENT_TYPE = "audio/ogg"
HEAD_BYTES = 128 * 1024  # enough to see how a recording is coded: half a minute of a telephone's MPEG audio
_PLAYED = {
    "wav": {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le"},
    "mp3": {"mp3", "mp3float"},
    "ogg": {"opus", "vorbis"},
    "flac": {"flac"},
    "mov,mp4,m4a,3gp,3g2,mj2": {"aac"},
    "matroska,webm": {"opus", "vorbis"},
}
_PADDING_BYTES = 1  # frames of a constant bit rate differ by no more
_BITS_A_SECOND = 24_000  # of a channel: twice what speech needs
# The encoder's own complexity is for music and takes three times as long.
_ENCODER = {"application": "voip", "compression_level": "4"}
_BEHIND_OTHERS = 5  # niceness of a copy: heartbeats of tasks and the part that sounds meanwhile come first
_PROBE = Limits(cpu_sec=20, memory_mb=256)
_MEMORY_MB, _CPU_SEC, _CPU_SEC_PER_HOUR = 512, 60, 120


def browser_plays(head: Path) -> bool | None:
    """By the beginning of a recording, in a process that may die; None where the beginning alone cannot be opened.

    Raises Permanent(audio_limits) and Temporary(decoding_died).
    """
    with closing(results_of(_plays, {"path": str(head.absolute())}, _PROBE, code=ErrorCode.AUDIO_LIMITS)) as results:
        found = next(results)
    return None if found is None else bool(found)


def copy_apart(
    path: Path, target: Path, *, most_seconds: float, source: str, on_progress: Callable[[float], None] = lambda _: None
) -> None:
    """As `write_copy`, in a process that may die. `on_progress` learns how many seconds are there.

    Raises Permanent for what cannot be decoded, Temporary(decoding_died).
    """
    arguments = {
        "path": str(path.absolute()),
        "target": str(target.absolute()),
        "most_seconds": most_seconds,
        "source": source,
    }
    limits = Limits(cpu_sec=int(_CPU_SEC + _CPU_SEC_PER_HOUR * most_seconds / 3600), memory_mb=_MEMORY_MB)
    with closing(results_of(_copy, arguments, limits, code=ErrorCode.AUDIO_LIMITS)) as results:
        for seconds in results:
            on_progress(seconds)


def part_apart(path: Path, target: Path, *, start: float, seconds: float, most_seconds: float) -> None:
    """A copy of `seconds` from second `start` on: a file of its own, for what is heard while the whole copy is made.

    Raises as `copy_apart`; Permanent(not_audio) too where the recording has ended by then.
    """
    arguments = {
        "path": str(path.absolute()),
        "target": str(target.absolute()),
        "start": start,
        "seconds": seconds,
        "most_seconds": most_seconds,
    }
    limits = Limits(cpu_sec=int(_CPU_SEC + _CPU_SEC_PER_HOUR * most_seconds / 3600), memory_mb=_MEMORY_MB)
    with closing(results_of(_part, arguments, limits, code=ErrorCode.AUDIO_LIMITS)) as results:
        next(results)


def write_copy(path: Path, target: Path, *, most_seconds: float, source: str) -> Iterator[float]:
    """The copy at `target`; tells how many seconds it has.

    `source` says what it was made of and is in its first bytes: see `is_copy_of`.
    """
    with opened(path, most_seconds=most_seconds) as sound:
        yield from _encoded(sound.blocks(), sound, target, source)


def write_part(path: Path, target: Path, *, start: float, seconds: float, most_seconds: float) -> None:
    with opened(path, most_seconds=most_seconds) as sound:
        for _ in _encoded(_cut(sound, start, seconds), sound, target, ""):
            pass


def _cut(sound: Source, start: float, seconds: float) -> Iterator[Samples]:
    """What comes before is decoded, too: a second that a container names may be another one."""
    skipped, wanted = round(start * sound.rate), round(seconds * sound.rate)
    for block in sound.blocks():
        part = block[:, skipped : skipped + wanted]
        skipped = max(0, skipped - block.shape[1])
        wanted -= part.shape[1]
        if part.shape[1]:
            yield part
        if not wanted:
            return


def _encoded(blocks: Iterator[Samples], sound: Source, target: Path, source: str) -> Iterator[float]:
    with av.open(str(target), "w", format="ogg") as out:
        out.metadata["source"] = source
        layout = "stereo" if sound.tracks == 2 else "mono"
        stream = out.add_stream("libopus", rate=sound.rate, layout=layout, format="s16", options=_ENCODER)
        stream.bit_rate = _BITS_A_SECOND * sound.tracks
        written = 0
        for block in blocks:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block.T).reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate = sound.rate
            frame.pts = written
            written += block.shape[1]
            out.mux(stream.encode(frame))
            yield written / sound.rate
        if not written:
            raise Permanent("the recording has no sound", code=ErrorCode.NOT_AUDIO)
        out.mux(stream.encode(None))


def is_copy_of(first_bytes: bytes, source: str) -> bool:
    """Whether these bytes begin a copy of that recording, and not of an earlier one of the same call."""
    return first_bytes[:4] == b"OggS" and f"source={source}".encode() in first_bytes


def _copy(path: str, target: str, most_seconds: float, source: str) -> Iterator[float]:
    os.nice(_BEHIND_OTHERS)
    yield from write_copy(Path(path), Path(target), most_seconds=most_seconds, source=source)


def _part(path: str, target: str, start: float, seconds: float, most_seconds: float) -> Iterator[None]:
    write_part(Path(path), Path(target), start=start, seconds=seconds, most_seconds=most_seconds)
    yield None


def _plays(path: str) -> Iterator[bool | None]:
    try:
        with av.open(path, options=OPTIONS) as container:
            stream = container.streams.audio[0]
            played = stream.codec_context.name in _PLAYED.get(container.format.name, ())
            if played and container.format.name == "mp3":
                played = _constant_rate([packet.size for packet in container.demux(stream)])
            yield played
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError, IndexError):
        yield None


def _constant_rate(sizes: list[int]) -> bool:
    """The last frame of a beginning is cut off, and the empty packet behind it is none."""
    whole = [size for size in sizes if size][:-1]
    return not whole or max(whole) - min(whole) <= _PADDING_BYTES
