"""Downloads one recording behind a link into one file."""

import json
from pathlib import Path

from include.clients.bitrix24.open_link import open_link
from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import error_in
from include.common.audio_download import MAX_BYTES, MAX_SECONDS, not_the_recording, save_audio
from include.common.errors import ErrorCode, ExportError, MissingAudio, Temporary
from include.common.telephony import DownloadedFile, RecordingLink


def download(
    portal: Portal, link: RecordingLink, target: Path, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
) -> DownloadedFile:
    """Writes `target` with mode 0600, or not at all.

    Raises MissingAudio for a link that is dead for good; Temporary(download_failed) for what may pass, an expired link
    included: `links_of` gives a fresh one; NotTheRecording for a page in its place; Permanent with forbidden_host, with
    not_audio, or with download_failed if the recording is larger than `max_bytes`.
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


def _page_error(page: bytes, *, promised: bool) -> ExportError:
    """An error of the portal's REST says what it is; any other page may come from its front or a proxy on the way."""
    try:
        error = error_in(json.loads(page), 200)
    except ValueError:
        error = None
    if error is not None and (error.is_refusal or "TOKEN" in error.code or "AUTH" in error.code):
        return Temporary(f"the portal sent {error.code} instead of the recording", code=ErrorCode.DOWNLOAD_FAILED)
    if error is not None and error.is_not_found:
        return MissingAudio(f"the portal sent {error.code} instead of the recording")
    return not_the_recording(page, promised=promised)
