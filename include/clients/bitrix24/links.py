"""Fresh links to recordings, requested right before the download and never stored.

Facts: `disk.file.get` (DELETED_TYPE 0 is a live file, 3 in the trash, 4 deleted with its folder).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import ACCESS_DENIED, INSUFFICIENT_SCOPE, PortalError, export_error
from include.clients.bitrix24.responses import unknown_form, whole_number
from include.common.errors import ErrorCode, ExportError, MissingAudio, Permanent, StopRun, Temporary
from include.common.telephony import RecordingKey, RecordingLink, RecordingRequest

_FILE = "disk.file.get"
_STATISTICS = "voximplant.statistic.get"
_ENOUGH_TO_JUDGE = 5

Found = RecordingLink | ExportError


def links_of(portal: Portal, wanted: Sequence[RecordingRequest]) -> dict[RecordingKey, Found]:
    """A link, or the reason why there is none, for each recording; one request for 50 of them.

    MissingAudio: the file or the row is gone. Raises AccessDenied if the webhook has lost its right to files.
    """
    files = {recording.key: file_id for recording in wanted if (file_id := whole_number(recording.recording_ref))}
    found, moved = _from_rows(portal, [recording for recording in wanted if recording.key not in files])
    return found | _from_disk(portal, files | moved)


def _from_disk(portal: Portal, files: Mapping[RecordingKey, int]) -> dict[RecordingKey, Found]:
    response = portal.batch({f"f{file_id}": (_FILE, {"id": file_id}) for file_id in files.values()})
    _stop_if_right_is_lost(response.errors, len(set(files.values())))
    return {
        key: _file_error(response.errors[name], file_id)
        if (name := f"f{file_id}") in response.errors
        else _file_link(response.results[name], file_id)
        for key, file_id in files.items()
    }


def _file_link(file: Any, file_id: int) -> Found:
    if not isinstance(file, dict) or whole_number(file.get("ID")) != file_id:
        return _unexpected(f"{_FILE}: the response is not the file {file_id} that was asked for")
    if str(file.get("DELETED_TYPE") or "0") != "0":
        return MissingAudio(f"file {file_id} of the recording is in the portal's trash: restore it there, then resume")
    url = file.get("DOWNLOAD_URL")
    if not isinstance(url, str) or not url:
        return _unexpected(f"{_FILE}: the portal gives no DOWNLOAD_URL for file {file_id}")
    return RecordingLink(url, whole_number(file.get("SIZE")))


def _unexpected(sentence: str) -> ExportError:
    """One unexpected response concerns one recording: it is tried again, then ends in error, and the others go on."""
    return Temporary(sentence, code=ErrorCode.DOWNLOAD_FAILED)


def _file_error(error: PortalError, file_id: int) -> ExportError:
    if error.is_not_found:
        return MissingAudio(f"file {file_id} of the recording has been deleted from the portal's disk")
    if error.code == ACCESS_DENIED:
        return Permanent(
            f"the webhook's owner may not read file {file_id} of the recording: give the right to its folder",
            code=ErrorCode.DOWNLOAD_FAILED,
        )
    return _as_download_error(export_error(error, _FILE))


def _stop_if_right_is_lost(errors: Mapping[str, PortalError], requested: int) -> None:
    """A closed folder concerns its recordings; a lost permission, or many files all denied, concerns the webhook.

    Fewer files than `_ENOUGH_TO_JUDGE` may be all that is left to do of a run, and lie in one closed folder.
    """
    denied = [error for error in errors.values() if error.code in (ACCESS_DENIED, INSUFFICIENT_SCOPE)]
    lost = [error for error in denied if error.code == INSUFFICIENT_SCOPE]
    if lost or len(denied) == requested >= _ENOUGH_TO_JUDGE:
        raise export_error((lost or denied)[0], _FILE)


def _from_rows(
    portal: Portal, wanted: Iterable[RecordingRequest]
) -> tuple[dict[RecordingKey, Found], dict[RecordingKey, int]]:
    """Links of recordings that the portal's disk did not have, and file ids of those that it has by now."""
    keys = {f"r{recording.statistics_id}": recording.key for recording in wanted}
    response = portal.batch({name: (_STATISTICS, {"FILTER": {"ID": name[1:]}, "start": -1}) for name in keys})
    found: dict[RecordingKey, Found] = {}
    moved: dict[RecordingKey, int] = {}
    for name, key in keys.items():
        if name in response.errors:
            found[key] = _as_download_error(export_error(response.errors[name], _STATISTICS))
            continue
        row = _row(response.results[name], int(name[1:]))
        file_id = whole_number(row.get("RECORD_FILE_ID"))
        if file_id:
            moved[key] = file_id
        else:
            found[key] = _row_link(row, name[1:])
    return found, moved


def _row(rows: Any, statistics_id: int) -> Mapping[str, Any]:
    """The requested row, or an empty one; another row means that the portal ignored the filter."""
    if not isinstance(rows, list) or any(whole_number(row.get("ID")) != statistics_id for row in rows):
        raise unknown_form(_STATISTICS, f"the response does not hold the requested row {statistics_id}")
    return rows[0] if rows else {}


def _row_link(row: Mapping[str, Any], statistics_id: str) -> Found:
    url = row.get("CALL_RECORD_URL")
    if isinstance(url, str) and url.strip():
        return RecordingLink(url.strip())
    return MissingAudio(f"row {statistics_id} of the call statistics has no link to a recording any more")


def _as_download_error(error: ExportError) -> ExportError:
    """An error that stops the run is raised at once; any other concerns one recording."""
    if isinstance(error, StopRun):
        raise error
    error.code = ErrorCode.DOWNLOAD_FAILED
    return error
