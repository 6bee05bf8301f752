"""Downloads one recording behind a link into one file."""

import json
from pathlib import Path

from include.clients.bitrix24.open_link import open_link
from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import error_in
from include.common.audio_download import MAX_BYTES, MAX_SECONDS, dead_link, save_audio
from include.common.errors import ErrorCode, ExportError, Temporary
from include.common.telephony import DownloadedFile, RecordingLink


def download(
    portal: Portal, link: RecordingLink, target: Path, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
) -> DownloadedFile:
    """Writes `target` with mode 0600, or not at all.

    Raises MissingAudio for a link that is dead for good; Temporary(download_failed) for what may pass, an expired link
    included: `links_of` gives a fresh one; Permanent with forbidden_host, with not_audio, or with download_failed if
    the recording is larger than `max_bytes`.
    """
    with open_link(portal, link.url) as response:
        return save_audio(
            response,
            target,
            expected_size=link.size,
            page_error=_page_error,
            clock=portal.clock,
            max_bytes=max_bytes,
            max_seconds=max_seconds,
        )


def _page_error(page: bytes) -> ExportError:
    """A page means a dead link, unless it states that the portal was busy or that the link is too old."""
    try:
        error = error_in(json.loads(page), 200)
    except ValueError:
        error = None
    if error is not None and (error.is_refusal or "TOKEN" in error.code or "AUTH" in error.code):
        return Temporary(f"the portal sent {error.code} instead of the recording", code=ErrorCode.DOWNLOAD_FAILED)
    return dead_link(page)
