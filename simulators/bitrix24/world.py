"""The data of the simulated portal: calls, files, employees. Written by hand in tests, made from a seed in the demo.

A test may change a world while it is being served.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

MOSCOW = timezone(timedelta(hours=3))
CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/x-wav", "ogg": "audio/ogg", "flac": "audio/flac"}


class Audio:
    """A recording's bytes, made at the first reading and kept."""

    def __init__(self, source: bytes | Callable[[], bytes], extension: str = "mp3") -> None:
        self._source = source
        self._lock = threading.Lock()
        self.extension = extension

    def read(self) -> bytes:
        with self._lock:
            if not isinstance(self._source, bytes):
                self._source = self._source()
            return self._source

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES.get(self.extension, "application/octet-stream")


@dataclass
class DiskFile:
    """A file of the portal's drive. `deleted_type`: "0" live, "3" in the trash, "4" deleted with its folder."""

    id: int
    audio: Audio
    name: str = ""
    deleted_type: str = "0"
    denied: bool = False  # the webhook's owner may not read it
    size: int | None = None  # announced SIZE; None: the true one

    def __post_init__(self) -> None:
        self.name = self.name or f"record_{self.id}.{self.audio.extension}"


@dataclass
class Call:
    """One row of the call statistics. `started_at` is aware; `call_type` 1 out, 2 in, 3 in redirected, 4 callback.

    A recording is on the portal's drive (`file_id`) or only on a storage host: `storage_path` names it there, or
    `record_url` is the whole link. `fields` overrides values of the row, `without` names fields that the row lacks.
    """

    id: int
    started_at: datetime
    call_id: str = ""
    call_type: str = "2"
    duration: int = 30
    failed_code: str = "200"
    user_id: str | None = "12"
    portal_number: str = "reg133788"
    phone_number: str = "+79990000001"
    file_id: int | None = None
    storage_path: str | None = None
    record_url: str | None = None
    activity_id: str | None = None
    transcript: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.call_id = self.call_id or f"externalCall.{self.id:032x}.{int(self.started_at.timestamp())}"


class PortalWorld:
    """Calls by ID, drive files by id, storage files by path; safe to change from another thread."""

    def __init__(
        self,
        calls: Iterable[Call] = (),
        files: Iterable[DiskFile] = (),
        storage: dict[str, Audio] | None = None,
        users: Iterable[dict[str, Any]] | None = None,
        zone: timezone = MOSCOW,
    ) -> None:
        self.calls = {call.id: call for call in calls}
        self.files = {file.id: file for file in files}
        self.storage = dict(storage or {})
        self.users = {str(user["ID"]): user for user in (default_users() if users is None else users)}
        self.zone = zone

    def add(self, call: Call, audio: Audio | None = None) -> Call:
        """Adds a call; `audio` goes to the drive under `file_id`, or else to the storage under `storage_path`."""
        if audio is not None and call.file_id is not None:
            self.files[call.file_id] = DiskFile(call.file_id, audio)
        elif audio is not None and call.storage_path is not None:
            self.storage[call.storage_path] = audio
        self.calls[call.id] = call
        return call

    def delete_file(self, file_id: int) -> None:
        del self.files[file_id]

    def to_trash(self, file_id: int) -> None:
        self.files[file_id].deleted_type = "3"

    def delete_from_storage(self, path: str) -> None:
        del self.storage[path]


def employee(
    user_id: int, *, name: str = "Оператор", last_name: str | None = None, active: bool = True
) -> dict[str, Any]:
    """A user the way `user.get` shows one to the scope `user_brief`."""
    return {
        "ID": str(user_id),
        "ACTIVE": active,
        "NAME": name,
        "LAST_NAME": str(user_id) if last_name is None else last_name,
        "SECOND_NAME": "",
        "IS_ONLINE": "N",
        "TIMESTAMP_X": {},
        "LAST_ACTIVITY_DATE": {},
        "PERSONAL_GENDER": "",
        "WORK_POSITION": "",
        "UF_EMPLOYMENT_DATE": "",
        "UF_DEPARTMENT": [1],
        "USER_TYPE": "employee",
    }


def default_users() -> list[dict[str, Any]]:
    """The webhook's owner, six operators, one dismissed, one without a name."""
    operators = [employee(number) for number in range(11, 17)]
    return [
        employee(1, name="Администратор"),
        *operators,
        employee(17, active=False),
        employee(18, name="", last_name=""),
    ]
