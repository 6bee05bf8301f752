"""Which container the audio really is in: names lie, for the portal adds `.mp3` to whatever has no extension."""

from pathlib import Path

import av

# demuxer of FFmpeg -> the extension the recogniser knows. MPEG frames without ID3, 8 kHz ones (MPEG 2.5) included,
# are what telephony writes; libraries of magic numbers do not know those, a demuxer does.
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
# The bytes come from strangers: a playlist among them must not make FFmpeg open files or addresses of its choice.
_ONLY_THESE = {"format_whitelist": ",".join(_EXTENSIONS)}


def extension_of(path: Path) -> str | None:
    """By content; None for what holds no audio that can be opened."""
    try:
        with path.open("rb") as stream, av.open(stream, options=_ONLY_THESE) as container:
            return _EXTENSIONS.get(container.format.name) if container.streams.audio else None
    except (av.FFmpegError, ValueError):
        return None


def looks_like_page(path: Path) -> bool:
    """An HTML page or a JSON answer where audio should be."""
    with path.open("rb") as stream:
        start = stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"<", b"{")
