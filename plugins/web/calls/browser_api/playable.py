"""Which file of a recording a player gets: the recording itself, or a copy of it that browsers play.

A copy is made at the first listening, one at a time in a process, and stored beside the waveform; it ends and is
erased with the audio.
"""

import threading
from collections import OrderedDict
from contextlib import AbstractContextManager
from typing import NamedTuple

from include.clients.storage.base import Storage
from include.common.errors import ErrorCode, ExportError, Permanent
from include.common.temporary_folders import temporary_folder
from plugins.web.calls.browser_api.refusals import Refused

_REMEMBERED = 2_000
_FIRST_BYTES = 1_024  # of a copy: the name of its recording is in them
_WAIT_SECONDS = 20.0  # for the copy of another call; a proxy gives up after a minute
_NOT_DECODED = frozenset({ErrorCode.NOT_AUDIO, ErrorCode.AUDIO_LIMITS, ErrorCode.DECODING_DIED})
_SURE = frozenset({"flac"})  # whatever is in it, browsers play it


class Sound(NamedTuple):
    """A file in the storage; `etag` changes with its content."""

    key: str
    size: int
    etag: str


class PlayableSounds:
    """Which recordings browsers play is remembered; a copy is looked for each time, because it ends with the audio."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._played: OrderedDict[tuple[str, str], Sound] = OrderedDict()
        self._one_encoder = threading.Lock()

    def original(self, key: str, checksum: str) -> Sound:
        return Sound(key, self._storage.size_of(key), checksum[:20])

    def of(
        self, key: str, checksum: str, copy_key: str, portal_sec: float, while_audio_stays: AbstractContextManager[None]
    ) -> Sound:
        """A copy is stored inside `while_audio_stays`.

        Raises Permanent(storage_failed), Temporary, Refused(503) while copies of other calls are made.
        """
        found = self._played.get((key, checksum))
        if found is None:
            found = self._found(key, checksum, copy_key, portal_sec, while_audio_stays)
            if found.key == key:
                self._played[key, checksum] = found
                if len(self._played) > _REMEMBERED:
                    self._played.popitem(last=False)
        return found

    def _found(
        self, key: str, checksum: str, copy_key: str, portal_sec: float, while_audio_stays: AbstractContextManager[None]
    ) -> Sound:
        if key.rpartition(".")[2] in _SURE:
            return self.original(key, checksum)
        there = self._copy(copy_key, checksum)
        if there is not None:
            return there
        try:
            if self._plays(key):
                return self.original(key, checksum)
            return self._made(key, checksum, copy_key, portal_sec, while_audio_stays)
        except ExportError as error:
            if error.code not in _NOT_DECODED:
                raise
            return self.original(key, checksum)  # it can be downloaded

    def _copy(self, copy_key: str, checksum: str) -> Sound | None:
        from include.speech.audio.listening import is_copy_of  # the api-server starts without a decoder

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

    def _made(
        self, key: str, checksum: str, copy_key: str, portal_sec: float, while_audio_stays: AbstractContextManager[None]
    ) -> Sound:
        from include.speech.audio.apart import longest_recording
        from include.speech.audio.listening import CONTENT_TYPE, copy_apart

        if not self._one_encoder.acquire(timeout=_WAIT_SECONDS):
            raise Refused(503, "busy")
        try:
            there = self._copy(copy_key, checksum)  # made by another person's request while this one waited
            if there is not None:
                return there
            with self._storage.as_file(key) as path, temporary_folder() as folder:
                target = folder / "copy.ogg"
                copy_apart(path, target, most_seconds=longest_recording(portal_sec), source=checksum)
                size = target.stat().st_size
                with while_audio_stays:
                    self._storage.put_file(copy_key, target, CONTENT_TYPE)
            return Sound(copy_key, size, f"{checksum[:20]}-ogg")
        finally:
            self._one_encoder.release()
