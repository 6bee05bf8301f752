"""The real container of audio. Names are unreliable: the portal adds `.mp3` to any name without an extension."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av

from include.common.errors import ErrorCode
from include.common.expendable_process import Limits, results_of

# demuxer of FFmpeg -> the extension that the recogniser knows. Telephony writes MPEG frames without ID3, also at 8 kHz
# (MPEG 2.5); libraries of magic numbers do not recognise those, a demuxer does.
_EXTENSIONS = {
    "mp3": "mp3",
    "wav": "wav",
    "w64": "wav",
    "ogg": "ogg",
    "flac": "flac",
    "aac": "aac",
    "amr": "amr",
    "aiff": "aiff",
    "au": "au",
    "asf": "wma",
    "caf": "caf",
    "mov,mp4,m4a,3gp,3g2,mj2": "m4a",
    "matroska,webm": "webm",
}
# The bytes are foreign data: a playlist in them must not make FFmpeg open other files or addresses.
_ONLY_THESE = {"format_whitelist": ",".join(_EXTENSIONS)}


_LIMITS = Limits(cpu_sec=60, memory_mb=512)


def extension_of(path: Path) -> str | None:
    """By content; None for a file without audio that can be opened.

    Raises Permanent(audio_limits) and Temporary(decoding_died): the bytes are foreign, so a process that may die opens
    them (`expendable_process.py`).
    """
    with closing(
        results_of(_extension, {"path": str(path.absolute())}, _LIMITS, code=ErrorCode.AUDIO_LIMITS)
    ) as results:
        found = next(results)
    return found if found in _EXTENSIONS.values() else None


def _extension(path: str) -> Iterator[str | None]:
    try:
        with Path(path).open("rb") as stream, av.open(stream, options=_ONLY_THESE) as container:
            yield _EXTENSIONS.get(container.format.name) if container.streams.audio else None
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        yield None


def looks_like_page(path: Path) -> bool:
    """Whether the file is an HTML page or a JSON response instead of audio."""
    with path.open("rb") as stream:
        start = stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"<", b"{")
