"""The cut: how one recording is divided into pieces, one piece per request to the recogniser.

The default model responds with bare text, so the times in a transcript are the times of the pieces (ADR 0004). All
times are seconds from the start of the recording, rounded to milliseconds.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

UploadFormat = Literal["flac", "wav"]


class ChannelLayout(StrEnum):
    STEREO = "stereo"  # two sides of the call, one per channel
    MONO = "mono"
    DUAL_MONO = "dual_mono"  # both channels hold the same sound; the left one is sent


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The decoded properties of a file. `seconds` is measured by decoding the whole file, not read from a header."""

    container: str
    codec: str
    channels: int
    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """The audio of one request to the recogniser. `channel` is None if the recording has only one voice track.

    `speech_sec`: how much of the piece the voice detector takes for speech. `lead_sec` and `tail_sec`: the padding
    before the first and after the last speech.
    """

    channel: int | None
    start: float
    end: float
    speech_sec: float
    lead_sec: float = 0.0
    tail_sec: float = 0.0

    @property
    def seconds(self) -> float:
        return round(self.end - self.start, 3)

    def key(self, upload_format: UploadFormat) -> str:
        """Identifies the piece in every attempt; a response that was already paid for is found by it."""
        track = "m" if self.channel is None else str(self.channel)
        return f"{track}-{round(self.start * 1000)}-{round(self.end * 1000)}-{upload_format}"


_LATER = ("speech_model", "sounding_sec", "unsent_sec", "music_share")  # fields that older stored cuts do not have


@dataclass(frozen=True, slots=True)
class Cut:
    """`pieces` in order of start. `gains`: a factor >= 1 per channel that raises its speech to the target level.

    `mono_track`: the channel that holds the pieces whose `channel` is None. `speech_model`: name and version of the
    model that decided on doubtful sound. `sounding_sec`: sound above the noise, all channels; `unsent_sec` of it is in
    no piece. `music_share`: of the voiced sound between speech, what is not sent because it is music.
    """

    info: AudioInfo
    channel_layout: ChannelLayout
    pieces: tuple[Piece, ...]
    gains: tuple[float, ...]
    mono_track: int
    speech_model: str = ""  # the defaults are for cuts that were stored before 2026-12
    sounding_sec: float = 0.0
    unsent_sec: float = 0.0
    music_share: float = 0.0

    @property
    def sent_share(self) -> float:
        """The share of the sound that is sent."""
        return round(1 - self.unsent_sec / self.sounding_sec, 4) if self.sounding_sec else 1.0

    @property
    def speech_sec(self) -> float:
        return round(sum(piece.speech_sec for piece in self.pieces), 3)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"sent_share": self.sent_share}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cut":
        """The reverse of `as_json`. Raises KeyError or TypeError for other data."""
        return cls(
            info=AudioInfo(**data["info"]),
            channel_layout=ChannelLayout(data["channel_layout"]),
            pieces=tuple(Piece(**piece) for piece in data["pieces"]),
            gains=tuple(data["gains"]),
            mono_track=data["mono_track"],
            **{
                name: data[name]
                for name in ("speech_model", "sounding_sec", "unsent_sec", "music_share")
                if name in data
            },
        )
