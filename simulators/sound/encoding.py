"""Encodes samples in the containers that portals store."""

import io
from dataclasses import dataclass, field
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream

from simulators.sound.synthesis import RATE, Samples


@dataclass(frozen=True, slots=True)
class _Target:
    container: str
    codec: str
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)


# By extension. The built-in telephony records mp3 at 32 kbit/s; the options are for speed.
_TARGETS = {
    "mp3": _Target("mp3", "libmp3lame", 32_000, {"compression_level": "9"}),
    "wav": _Target("wav", "pcm_s16le"),
    "ogg": _Target("ogg", "libopus", 24_000, {"compression_level": "0"}),
}


def encode(samples: Samples, extension: str, *, comment: str = "") -> bytes:
    """`samples` has the shape (length,) for mono or (2, length) for stereo, at 8 kHz.

    `comment` goes into the metadata, so that two recordings of the same speech differ in their bytes.
    """
    target = _TARGETS[extension]
    channels = np.atleast_2d(samples)
    layout = "stereo" if len(channels) == 2 else "mono"
    encoded = io.BytesIO()
    # bitexact: no random serial numbers in ogg, so a call has the same bytes on every start
    with av.open(encoded, "w", format=target.container, options={"fflags": "+bitexact"}) as output:
        if comment:
            output.metadata["comment"] = comment
        stream = output.add_stream(target.codec, rate=RATE, layout=layout, options=target.options)
        audio = cast(AudioStream, stream)
        if target.bit_rate:
            audio.codec_context.bit_rate = target.bit_rate
        packed = np.ascontiguousarray(channels.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = RATE
        frame.pts = 0
        output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    return encoded.getvalue()
