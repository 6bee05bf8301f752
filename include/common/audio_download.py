"""Saves the audio of an HTTP response: streamed, measured, checked, and visible only when complete.

An interrupted download is never continued: the next attempt starts over, as the bytes behind a link may have changed.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import requests
import urllib3

from include.common.audio_containers import extension_of, looks_like_page
from include.common.errors import ErrorCode, ExportError, MissingAudio, NotTheRecording, Permanent, Temporary
from include.common.telephony import DownloadedFile

MAX_BYTES = 1 << 30  # 18 hours of 8 kHz 16-bit WAV
MAX_SECONDS = 30 * 60.0  # against a server that sends single bytes just under the read timeout
_LARGEST_PAGE = 1 << 16
_CHUNK = 1 << 16


def not_the_recording(page: bytes, *, promised: bool) -> ExportError:  # noqa: ARG001  the signature of `page_error`
    return NotTheRecording("the link to the recording leads to a page, not to audio", promised=promised)


class PageError(Protocol):
    """Makes the error for a page; `promised`: the recording's size was announced."""

    def __call__(self, page: bytes, *, promised: bool) -> ExportError: ...


def save_audio(
    response: requests.Response,
    target: Path,
    *,
    expected_size: int | None = None,
    page_error: PageError = not_the_recording,
    clock: Callable[[], float] = time.monotonic,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
) -> DownloadedFile:
    """Writes the body of `response`, opened with `stream=True`, to `target` with mode 0600, or not at all.

    `page_error` makes the error for a body that is a page instead of audio. Raises Temporary(download_failed) for an
    incomplete body, NotTheRecording for a page, MissingAudio for an empty body (NotTheRecording if its size was
    announced), Permanent(not_audio) for unreadable audio and Permanent(download_failed) for a body larger than
    `max_bytes`.
    """
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb") as out:
            partial.chmod(0o600)
            size, sha256 = _receive(response, out, clock, max_bytes, max_seconds)
        downloaded = DownloadedFile(size, sha256, _checked_extension(partial, size, expected_size, page_error))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return downloaded


def _receive(
    response: requests.Response, out: BinaryIO, clock: Callable[[], float], max_bytes: int, max_seconds: float
) -> tuple[int, str]:
    """Takes arrived bytes at once: waiting for full chunks would hide a server that sends very slowly."""
    digest = hashlib.sha256()
    size = 0
    deadline = clock() + max_seconds
    while chunk := _next_chunk(response):
        size += len(chunk)
        if size > max_bytes:
            raise Permanent(f"the recording is larger than {max_bytes} bytes", code=ErrorCode.DOWNLOAD_FAILED)
        if clock() > deadline:
            raise Temporary(f"the recording did not arrive in {max_seconds:.0f} s", code=ErrorCode.DOWNLOAD_FAILED)
        digest.update(chunk)
        out.write(chunk)
    return size, digest.hexdigest()


def _next_chunk(response: requests.Response) -> bytes:
    """urllib3 itself compares the bytes with Content-Length at the end and raises if some are missing."""
    try:
        chunk: bytes = response.raw.read1(_CHUNK, decode_content=True)
    except (urllib3.exceptions.HTTPError, OSError) as broken:
        kind = type(broken).__name__
    else:
        return chunk
    raise Temporary(f"the recording was cut off on the way ({kind})", code=ErrorCode.DOWNLOAD_FAILED)


def _checked_extension(partial: Path, size: int, expected_size: int | None, page_error: PageError) -> str:
    promised = bool(expected_size)
    if size == 0 and promised:
        raise NotTheRecording(f"nothing of the {expected_size} bytes of the recording arrived", promised=True)
    if size == 0:
        raise MissingAudio("the link to the recording leads to an empty file")
    extension = extension_of(partial)
    if extension is None and looks_like_page(partial):
        with partial.open("rb") as page:
            raise page_error(page.read(_LARGEST_PAGE), promised=promised)
    if expected_size is not None and size != expected_size:
        raise Temporary(
            f"{size} bytes of the recording arrived, {expected_size} were announced", code=ErrorCode.DOWNLOAD_FAILED
        )
    if extension is None:
        raise Permanent("the recording is in no audio format that can be opened", code=ErrorCode.NOT_AUDIO)
    return extension
