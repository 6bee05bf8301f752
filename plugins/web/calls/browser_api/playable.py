"""Which file of a recording a player gets: the recording itself, or a copy of it that browsers play.

A copy is made at the first listening, one at a time in a process, and stored beside the waveform; it ends and is
erased with the audio. It takes half a minute for an hour: meanwhile a player hears parts, which are kept nowhere.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple

from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent
from include.common.temporary_folders import temporary_folder
from plugins.web.calls.browser_api.refusals import Refused

log = logging.getLogger(__name__)

_REMEMBERED = 2_000
_FIRST_BYTES = 1_024  # of a copy: the name of its recording is in them
COPY_WAIT_SECONDS = 1.0  # a request waits so long for its copy: that of a call of a minute or two is there by then
PART_SECONDS = 60.0  # of sound; made in half a second of processor time
_MOST_MAKINGS = 8  # one is made, the others wait for it
_MOST_PARTS, _PART_WAIT_SECONDS = 2, 10.0
_NOT_DECODED = frozenset({ErrorCode.NOT_AUDIO, ErrorCode.AUDIO_LIMITS, ErrorCode.DECODING_DIED})
_SURE = frozenset({"flac"})  # whatever is in it, browsers play it

WhileAudioStays = Callable[[], AbstractContextManager[None]]


class Sound(NamedTuple):
    """A file in the storage; `etag` changes with its content."""

    key: str
    size: int
    etag: str


class Recording(NamedTuple):
    """An audio of a call and where its copy belongs; `seconds` is the call's length by the portal."""

    key: str
    checksum: str
    copy_key: str
    seconds: float


class CopyState(NamedTuple):
    """`ready`: the sound is there. `made_sec`: how much of the copy that this process makes is there."""

    state: Literal["ready", "making", "none"]
    made_sec: float | None = None


class _Making:
    """A copy that a thread makes."""

    def __init__(self) -> None:
        self.made_sec = 0.0
        self.error: Exception | None = None
        self.over = threading.Event()

    def on_progress(self, seconds: float) -> None:
        self.made_sec = seconds


class PlayableSounds:
    """Which recordings browsers play is remembered; a copy is looked for each time, because it ends with the audio."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._played: OrderedDict[tuple[str, str], Sound] = OrderedDict()
        self._one_encoder = threading.Lock()
        self._makings: dict[tuple[str, str], _Making] = {}
        self._beginning = threading.Lock()
        self._parts = threading.BoundedSemaphore(_MOST_PARTS)

    def original(self, key: str, checksum: str) -> Sound:
        return Sound(key, self._storage.size_of(key), checksum[:20])

    def of(self, recording: Recording, while_audio_stays: WhileAudioStays) -> Sound:
        """A copy is stored inside `while_audio_stays`, by a thread of its own.

        Raises Permanent(storage_failed), Temporary, Refused(503) while the copy is made.
        """
        found = self._played.get((recording.key, recording.checksum))
        if found is None:
            found = self._found(recording, while_audio_stays)
            if found.key == recording.key:
                self._remember(recording, found)
        return found

    def state(self, recording: Recording) -> CopyState:
        """Whether `of` has an answer at once. Begins nothing."""
        name = (recording.key, recording.checksum)
        if name in self._played:
            return CopyState("ready")
        making = self._makings.get(name)
        if making is not None:
            return CopyState("making", making.made_sec)
        return CopyState("none" if self._copy(recording) is None else "ready")

    def part(self, recording: Recording, start: float) -> bytes:
        """PART_SECONDS of the recording from second `start` on, a file of its own.

        Raises Permanent for what cannot be decoded or has ended by then, Temporary, Refused(503).
        """
        from include.speech.audio.apart import longest_recording
        from include.speech.audio.listening import part_apart

        if not self._parts.acquire(timeout=_PART_WAIT_SECONDS):
            raise Refused(503, "busy")
        try:
            with self._storage.as_file(recording.key) as path, temporary_folder() as folder:
                target = folder / "part.ogg"
                longest = longest_recording(recording.seconds)
                part_apart(path, target, start=start, seconds=PART_SECONDS, most_seconds=longest)
                return target.read_bytes()
        finally:
            self._parts.release()

    def _remember(self, recording: Recording, found: Sound) -> None:
        self._played[recording.key, recording.checksum] = found
        if len(self._played) > _REMEMBERED:
            self._played.popitem(last=False)

    def _found(self, recording: Recording, while_audio_stays: WhileAudioStays) -> Sound:
        if recording.key.rpartition(".")[2] in _SURE:
            return self.original(recording.key, recording.checksum)
        there = self._copy(recording)
        if there is not None:
            return there
        try:
            if self._plays(recording.key):
                return self.original(recording.key, recording.checksum)
            return self._made(recording, while_audio_stays)
        except ExportError as error:
            if error.code not in _NOT_DECODED:
                raise
            return self.original(recording.key, recording.checksum)  # it can be downloaded

    def _copy(self, recording: Recording) -> Sound | None:
        from include.speech.audio.listening import is_copy_of  # the api-server starts without a decoder

        copy_key, checksum = recording.copy_key, recording.checksum
        try:
            if is_copy_of(self._storage.get_range(copy_key, 0, _FIRST_BYTES), checksum):
                return Sound(copy_key, self._storage.size_of(copy_key), f"{checksum[:20]}-ogg")
        except Permanent:
            pass
        return None

    def _plays(self, key: str) -> bool:
        from include.speech.audio.listening import HEAD_BYTES, browser_plays

        with temporary_folder() as folder:
            head = folder / "head"
            head.write_bytes(self._storage.get_range(key, 0, HEAD_BYTES))
            plays = browser_plays(head)
        if plays is None:  # an index at the end, or no recording at all
            with self._storage.as_file(key) as path:
                plays = browser_plays(path)
        return bool(plays)

    def _made(self, recording: Recording, while_audio_stays: WhileAudioStays) -> Sound:
        name = (recording.key, recording.checksum)
        with self._beginning:
            making = self._makings.get(name)
            if making is None:
                if len(self._makings) >= _MOST_MAKINGS:
                    raise Refused(503, "busy")
                making = self._makings[name] = _Making()
                # A daemon: an api-server that stops waits for no copy.
                threading.Thread(target=self._make, args=(recording, making, while_audio_stays), daemon=True).start()
        if not making.over.wait(COPY_WAIT_SECONDS):
            raise Refused(503, "copy_is_made")
        if making.error is not None:
            raise making.error
        there = self._copy(recording)
        if there is None:
            raise Refused(404, "no_audio")
        return there

    def _make(self, recording: Recording, making: _Making, while_audio_stays: WhileAudioStays) -> None:
        from include.speech.audio.apart import longest_recording
        from include.speech.audio.listening import CONTENT_TYPE, copy_apart

        try:
            with (
                self._one_encoder,
                self._storage.as_file(recording.key) as path,
                temporary_folder() as folder,
            ):
                target, longest = folder / "copy.ogg", longest_recording(recording.seconds)
                copy_apart(
                    path, target, most_seconds=longest, source=recording.checksum, on_progress=making.on_progress
                )
                with while_audio_stays():
                    self._storage.put_file(recording.copy_key, target, CONTENT_TYPE)
        except Exception as error:  # the request that waits raises it
            making.error = error
            log.warning("no copy for listening of %s: %s", recording.key, type(error).__name__)
            if isinstance(error, ExportError) and error.code in _NOT_DECODED:
                self._remember(recording, self.original(recording.key, recording.checksum))
        finally:
            del self._makings[recording.key, recording.checksum]
            making.over.set()
