"""Downloads one recording into one file: streamed, measured, checked, and visible only when complete.

An interrupted download is never continued: the next attempt starts over, as the bytes behind a link may have changed.
"""

import hashlib
import json
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3

from include.clients.bitrix24.open_link import open_link
from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import error_in
from include.common.audio_containers import extension_of, looks_like_page
from include.common.errors import ErrorCode, ExportError, MissingAudio, Permanent, Temporary
from include.common.telephony import DownloadedFile, RecordingLink

MAX_BYTES = 1 << 30  # 18 hours of 8 kHz 16-bit WAV
MAX_SECONDS = 30 * 60.0  # against a server that sends single bytes just under the read timeout
_CHUNK = 1 << 16
_LARGEST_PAGE = 1 << 16


def download(
    portal: Portal, link: RecordingLink, target: Path, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
) -> DownloadedFile:
    """Writes `target` with mode 0600, or not at all.

    Raises MissingAudio for a link that is dead for good; Temporary(download_failed) for what may pass, an expired link
    included: `links_of` gives a fresh one; Permanent with forbidden_host, with not_audio, or with download_failed if
    the recording is larger than `max_bytes`.
    """
    partial = target.with_name(target.name + ".part")
    try:
        with open_link(portal, link.url) as response, partial.open("wb") as out:
            partial.chmod(0o600)
            size, sha256 = _receive(portal, response, out, max_bytes, max_seconds)
        downloaded = DownloadedFile(size, sha256, _checked_extension(partial, size, link.size))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return downloaded


def _receive(
    portal: Portal, response: requests.Response, out: BinaryIO, max_bytes: int, max_seconds: float
) -> tuple[int, str]:
    """Takes arrived bytes at once: waiting for full chunks would hide a server that sends very slowly."""
    digest = hashlib.sha256()
    size = 0
    deadline = portal.clock() + max_seconds
    while chunk := _next_chunk(response):
        size += len(chunk)
        if size > max_bytes:
            raise Permanent(f"the recording is larger than {max_bytes} bytes", code=ErrorCode.DOWNLOAD_FAILED)
        if portal.clock() > deadline:
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


def _checked_extension(partial: Path, size: int, expected_size: int | None) -> str:
    if size == 0:
        raise MissingAudio("the link to the recording leads to an empty file")
    extension = extension_of(partial)
    if extension is None and looks_like_page(partial):
        raise _page_error(partial)
    if expected_size is not None and size != expected_size:
        raise Temporary(
            f"{size} bytes of the recording arrived, the portal's disk has {expected_size}",
            code=ErrorCode.DOWNLOAD_FAILED,
        )
    if extension is None:
        raise Permanent("the recording is in no audio format that can be opened", code=ErrorCode.NOT_AUDIO)
    return extension


def _page_error(partial: Path) -> ExportError:
    """A page means a dead link, unless it states that the portal was busy or that the link is too old."""
    try:
        with partial.open("rb") as page:
            error = error_in(json.loads(page.read(_LARGEST_PAGE)), 200)
    except ValueError:
        error = None
    if error is not None and (error.is_refusal or "TOKEN" in error.code or "AUTH" in error.code):
        return Temporary(f"the portal sent {error.code} instead of the recording", code=ErrorCode.DOWNLOAD_FAILED)
    return MissingAudio("the link to the recording leads to a page, not to audio")
