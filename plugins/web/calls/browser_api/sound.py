"""A recording's bytes from the storage through our process, in ranges: a player asks for the part that it plays.

No address of the storage leaves the server: such a link could be passed on, and no one would know who heard what.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from fastapi import Response
from starlette.responses import StreamingResponse

from include.clients.storage.base import Storage
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.threads import in_thread

BLOCK_BYTES = 256 * 1024
_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "amr": "audio/amr",
    "aiff": "audio/aiff",
    "au": "audio/basic",
    "wma": "audio/x-ms-wma",
    "caf": "audio/x-caf",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
NO_STORE = "private, no-store"


class Part(NamedTuple):
    """Bytes of a file: from `start` on, `length` of them."""

    start: int
    length: int


def type_of(key: str) -> str:
    """The media type by the name that the file got from its content."""
    return _TYPES.get(key.rpartition(".")[2].lower(), "audio/x-unknown")


def part_of(header: str | None, size: int) -> Part | None:
    """What `Range` asks for; None for the whole file: without the header, for several ranges, for what is no range.

    Raises Refused(416) for bytes that the file does not have.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        length = min(int(last) if last else size - 1, size - 1) - start + 1
    if length <= 0 or start >= size:
        raise Refused(416, "bad_range")
    return Part(start, length)


async def answer(
    storage: Storage,
    key: str,
    size: int,
    etag: str,
    *,
    asked: str | None,
    if_range: str | None,
    name: str | None,
    head: bool,
) -> Response:
    """206 for a range, 200 for the whole file. `name`: the file is to be saved under it."""
    quoted = f'"{etag}"'
    part = part_of(asked, size) if if_range in (None, quoted) else None
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": NO_STORE,
        "ETag": quoted,
        "X-Content-Type-Options": "nosniff",
    }
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if part:
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    whole = part or Part(0, size)
    headers["Content-Length"] = str(whole.length)
    status, media_type = 206 if part else 200, type_of(key)
    if head:
        return Response(status_code=status, headers=headers, media_type=media_type)
    first = await in_thread(storage.get_range, key, whole.start, min(BLOCK_BYTES, whole.length))
    return StreamingResponse(blocks(storage, key, whole, first), status, headers, media_type)


async def blocks(storage: Storage, key: str, part: Part, first: bytes) -> AsyncIterator[bytes]:
    """`first` is read already, so that a storage that does not respond is an answer and not a broken stream."""
    yield first
    place, end = part.start + len(first), part.start + part.length
    while place < end:
        block = await in_thread(storage.get_range, key, place, min(BLOCK_BYTES, end - place))
        if not block:
            return
        yield block
        place += len(block)


def file_name(at: datetime, recording_id: int, key: str) -> str:
    """`2026-11-27_1405_31337.mp3`: no number, no name, no id from outside."""
    return f"{at:%Y-%m-%d_%H%M}_{recording_id}.{key.rpartition('.')[2]}"
