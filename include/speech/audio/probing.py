"""Measures a downloaded file."""

from pathlib import Path

import av

from include.common.errors import ErrorCode, Permanent
from include.speech.audio.decoding import Source, not_audio, opened
from include.speech.cuts import AudioInfo

MIN_SECONDS = 0.1  # the recognisers' minimum


def probe(path: Path) -> AudioInfo:
    """Decodes the whole file; about half a second per hour of audio.

    Raises Permanent: not_audio if nothing can be decoded, audio_too_short below MIN_SECONDS, audio_limits.
    """
    with opened(path) as source:
        try:
            samples = sum(block.shape[1] for block in source.blocks())
        except MemoryError:
            raise
        except av.FFmpegError:
            raise not_audio() from None
        return info_of(source, samples)


def info_of(source: Source, samples: int) -> AudioInfo:
    """`samples`: the number of decoded samples per channel at `source.rate`. Raises the errors of `probe`."""
    seconds = round(samples / source.rate, 3)
    if not samples:
        raise not_audio()
    if seconds < MIN_SECONDS:
        raise Permanent(
            f"the recording is {seconds} s long; recognisers accept no less than {MIN_SECONDS} s",
            code=ErrorCode.AUDIO_TOO_SHORT,
        )
    return AudioInfo(
        container=source.container.format.name,
        codec=source.stream.codec_context.name,
        channels=source.stream.channels,
        rate=source.stream.rate,
        seconds=seconds,
    )
