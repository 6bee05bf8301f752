"""How one recording is divided into the pieces that are sent to the recogniser.

The cut is ours (D20): the default model answers bare text, so a piece's own times are the times of what is
said in it. All times are seconds from the start of the whole recording, on a grid of whole milliseconds.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

UploadFormat = Literal["flac", "wav"]


class ChannelLayout(StrEnum):
    STEREO = "stereo"  # two sides of the call, one per channel
    MONO = "mono"
    DUAL_MONO = "dual_mono"  # two equal channels: mono in disguise, the left one is read


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file really is. `seconds` is measured by decoding all of it, never taken from a header."""

    container: str
    codec: str
    channels: int
    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One request to the recogniser. `channel` is None where the recording has only one voice track.

    `speech_sec` is how much of the piece the voice detector takes for speech; `lead_sec` and `tail_sec` are what is
    sent before the first and after the last of it.
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
        """The same for the same piece in every attempt: what an answer already paid for is found by."""
        track = "m" if self.channel is None else str(self.channel)
        return f"{track}-{round(self.start * 1000)}-{round(self.end * 1000)}-{upload_format}"


@dataclass(frozen=True, slots=True)
class Cut:
    """`pieces` in order of start. `gains`: factors >= 1 that lift each channel of the file to a usual level.

    `mono_track`: the channel that pieces without a channel of their own are read from.
    """

    info: AudioInfo
    channel_layout: ChannelLayout
    pieces: tuple[Piece, ...]
    gains: tuple[float, ...]
    mono_track: int

    @property
    def speech_sec(self) -> float:
        return round(sum(piece.speech_sec for piece in self.pieces), 3)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cut":
        """The reverse of `as_json`; raises KeyError or TypeError where `data` is something else."""
        return cls(
            info=AudioInfo(**data["info"]),
            channel_layout=ChannelLayout(data["channel_layout"]),
            pieces=tuple(Piece(**piece) for piece in data["pieces"]),
            gains=tuple(data["gains"]),
            mono_track=data["mono_track"],
        )
