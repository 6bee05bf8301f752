"""Transcripts that the portal's own recognition has made (D24): `crm.activity.call.getTranscript`.

Facts: bitrix24/b24restdocs, crm-activity-call-get-transcript.md. It takes the id of the call's CRM activity, which is
in the statistics row, and answers `{"transcription": text}` or null; it starts no recognition. NOT_FOUND: no such
activity or it is bound to nothing; ACCESS_DENIED: no right to the bound objects, or the portal's AI is switched off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from include.clients.bitrix24.batch_request import Command
from include.clients.bitrix24.portal import BATCH_SIZE, BatchAnswer, Portal
from include.clients.bitrix24.responses import ACCESS_DENIED, INSUFFICIENT_SCOPE, ours, whole
from include.common.errors import AccessDenied, Temporary

TRANSCRIPT = "crm.activity.call.getTranscript"
_STATISTICS = "voximplant.statistic.get"
_ATTEMPTS = 2
_NO_ACTIVITY = 2_147_483_647  # the largest id the portal's column holds
_UNKNOWN_METHOD = "ERROR_METHOD_NOT_FOUND"
_SWITCHED_OFF = (
    "stt.reuse_portal_transcripts is on, but the webhook's owner may not read the portal's transcripts: switch the AI "
    "processing of calls on in the portal, give the owner the right to read CRM, or switch the setting off"
)


def transcripts_of(portal: Portal, statistics_ids: Sequence[int]) -> dict[int, str]:
    """The texts there are, by the statistics row; one request reads 50 rows, another 50 texts.

    A row without a CRM activity, and an activity without a text, are left out. Raises what `Portal.batch` raises.
    """
    activities = _activities(portal, statistics_ids)
    texts: dict[int, str] = {}
    left = {f"t{row}": command_for(activity) for row, activity in activities.items()}
    for attempt in range(_ATTEMPTS):
        asked, left = left, {}
        for start in range(0, len(asked), BATCH_SIZE):
            keys = list(asked)[start : start + BATCH_SIZE]
            answer = _asked({key: asked[key] for key in keys}, portal, last=attempt == _ATTEMPTS - 1)
            texts |= {int(key[1:]): text for key, found in answer.results.items() if (text := _text(found))}
            left |= {key: asked[key] for key in keys if key not in answer.results and key not in answer.errors}
    return texts


def _asked(commands: Mapping[str, Command], portal: Portal, *, last: bool) -> BatchAnswer:
    """What is left out may have been put off, or is a null that this portal does not write: it is asked once more."""
    try:
        return portal.batch_once(commands, portal.patience())
    except Temporary:
        if not last:
            raise
        return BatchAnswer({}, {})


def command_for(activity: int) -> Command:
    return (TRANSCRIPT, {"activityId": activity})


def check_right(portal: Portal, rows: Sequence[Mapping[str, Any]]) -> None:
    """One harmless question about the newest call's activity, or about one that cannot be.

    Raises AccessDenied where the portal refuses it: no text would ever be found, and each one bought in silence.
    """
    activity = next((found for row in rows if (found := whole(row.get("CRM_ACTIVITY_ID")))), _NO_ACTIVITY)
    errors = portal.batch({"t": command_for(activity)}).errors
    for error in errors.values():
        if error.code == ACCESS_DENIED:
            raise AccessDenied(_SWITCHED_OFF)
        if error.code in (INSUFFICIENT_SCOPE, _UNKNOWN_METHOD):
            raise ours(error, TRANSCRIPT)


def _activities(portal: Portal, statistics_ids: Sequence[int]) -> dict[int, int]:
    """The CRM activity of each row that has one; a row that the portal answers with another is passed over."""
    commands: dict[str, Command] = {
        f"r{row}": (_STATISTICS, {"FILTER": {"ID": str(row)}, "start": -1}) for row in statistics_ids
    }
    found: dict[int, int] = {}
    for key, rows in portal.batch(commands).results.items():
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        activity = whole(row.get("CRM_ACTIVITY_ID"))
        if activity and whole(row.get("ID")) == int(key[1:]):
            found[int(key[1:])] = activity
    return found


def _text(answer: object) -> str:
    text = answer.get("transcription") if isinstance(answer, dict) else None
    return text.strip() if isinstance(text, str) else ""
