"""A world made from a seed: the mixture of calls that a real portal has."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import cycle
from pathlib import Path

import av

from simulators.bitrix24.world import CONTENT_TYPES, Audio, Call, PortalWorld
from simulators.sound.dialogues import record, record_briefly

# (seed, seconds, stereo) -> the recording
MakeAudio = Callable[[int, float, bool], Audio]

# the kinds of a round of twenty calls; shuffled anew for every round
_ROUND = (
    *["stereo"] * 8,
    *["mono"] * 3,
    *["url"] * 2,
    *["missed"] * 3,
    "transferred",
    "declined",
    "unrecorded",
    "callback",
)
_DIFFERENT_MINUTES = 8
_PHONES = ("+7999{:07d}", "7999{:07d}", "+7495{:07d}", "8495{:07d}")
_LINES = ("reg133788", "reg133788", "+74950000001", "3")


def spoken() -> MakeAudio:
    """Conversations by the project's own voices; each is made when it is first read."""
    extensions = cycle(("mp3", "mp3", "wav", "mp3", "ogg"))

    def make(seed: int, seconds: float, stereo: bool) -> Audio:
        extension = next(extensions)
        return Audio(partial(record, seed, seconds=seconds, extension=extension, stereo=stereo), extension)

    return make


def brief() -> MakeAudio:
    """A second or two of speech in each: for measuring the export, not the encoder."""
    return lambda seed, _seconds, _stereo: Audio(partial(record_briefly, seed), "mp3")


def minutes(*, mono: bool = False) -> MakeAudio:
    """A minute of conversation for each call: one of a few, with a tag at its end, because synthesis takes long.

    `mono`: both voices on one channel in all of them.
    """

    @cache
    def spoken(number: int, stereo: bool) -> bytes:
        return record(number, seconds=60, extension="mp3", stereo=stereo)

    def make(seed: int, _seconds: float, stereo: bool) -> Audio:
        stereo = stereo and not mono
        tag = b"TAG" + f"simulated {seed}".encode().ljust(125, b"\0")  # ID3v1, of 128 bytes
        return Audio(lambda: spoken(seed % _DIFFERENT_MINUTES, stereo) + tag, "mp3")

    return make


def from_folder(folder: Path) -> MakeAudio:
    """Real recordings, in turn, without files that cannot be opened as audio. Raises ValueError if there is none."""
    paths = sorted(path for path in folder.iterdir() if path.suffix[1:] in CONTENT_TYPES and _is_audio(path))
    if not paths:
        raise ValueError(f"{folder} holds no usable {', '.join(CONTENT_TYPES)}")
    in_turn = cycle(paths)

    def make(_seed: int, _seconds: float, _stereo: bool) -> Audio:
        path = next(in_turn)
        return Audio(path.read_bytes, path.suffix[1:])

    return make


def _is_audio(path: Path) -> bool:
    try:
        with av.open(path, "r") as container:
            return bool(container.streams.audio)
    except av.FFmpegError:
        return False


def seeded_world(
    seed: int,
    start: datetime,
    end: datetime,
    calls: int,
    make_audio: MakeAudio,
    *,
    seconds: tuple[int, int] = (10, 40),
) -> PortalWorld:
    """`calls` calls between two aware instants; a transferred call has one more row, under the same CALL_ID.

    `seconds`: the shortest and the longest.
    """
    maker = _Maker(random.Random(seed), make_audio, seconds)
    span = end - start
    for moment in sorted(start + span * maker.rng.random() for _ in range(calls)):
        maker.add_call(moment.astimezone(UTC).replace(microsecond=0))
    return maker.world


class _Maker:
    def __init__(self, rng: random.Random, make_audio: MakeAudio, seconds: tuple[int, int]) -> None:
        self.rng, self.make_audio, self.seconds, self.world = rng, make_audio, seconds, PortalWorld()
        self._kinds: list[str] = []
        self._row = 1000
        self._file = 9000

    def add_call(self, at: datetime) -> None:
        if not self._kinds:
            self._kinds = self.rng.sample(_ROUND, len(_ROUND))
        kind = self._kinds.pop()
        call = self._call(at)
        if kind in ("missed", "declined"):
            call.failed_code, call.call_type = ("304", "2") if kind == "missed" else ("603-S", "1")
            call.duration = 0
            call.user_id = self.rng.choice([call.user_id, "0", None]) if kind == "missed" else call.user_id
        elif kind == "url":
            self._record(call, stereo=True, path=f"{at:%Y/%m/%d}/{self.rng.randbytes(12).hex()}.mp3")
        elif kind == "callback":
            call.call_type = "4"
            self._record(call, stereo=False)
        elif kind in ("stereo", "mono"):
            self._record(call, stereo=kind == "stereo")
        elif kind == "transferred":
            self._record(call, stereo=True)
            self._transfer(call)
        self.world.add(call)

    def _call(self, at: datetime) -> Call:
        self._row += self.rng.randint(1, 3)  # other tables use numbers, too: IDs have gaps
        built_in = self.rng.random() < 0.6
        digits = f"{self.rng.getrandbits(64):016X}.{at.timestamp():.0f}.{self.rng.randint(10**7, 10**8)}"
        return Call(
            id=self._row,
            started_at=at,
            call_id=digits if built_in else f"externalCall.{self.rng.randbytes(16).hex()}.{at.timestamp():.0f}",
            call_type=self.rng.choice("112222"),
            duration=self.rng.randint(*self.seconds),
            user_id=str(self.rng.randint(11, 18)),
            portal_number=self.rng.choice(_LINES),
            phone_number=self.rng.choice(_PHONES).format(self.rng.randint(0, 9_999_999)),
            activity_id=str(7000 + self._row) if self.rng.random() < 0.5 else None,
        )

    def _record(self, call: Call, *, stereo: bool, path: str | None = None) -> None:
        audio = self.make_audio(self.rng.getrandbits(32), call.duration, stereo)
        if path is not None:
            call.storage_path = path.removesuffix("mp3") + audio.extension
        else:
            self._file += self.rng.randint(1, 4)
            call.file_id = self._file
        self.world.add(call, audio)

    def _transfer(self, first: Call) -> None:
        """The second operator's part of a redirected call: another row and recording, the same CALL_ID."""
        second = self._call(first.started_at + timedelta(seconds=first.duration))
        second.call_id, second.phone_number = first.call_id, first.phone_number
        first.call_type, second.call_type = "2", "3"
        self._record(second, stereo=True)
