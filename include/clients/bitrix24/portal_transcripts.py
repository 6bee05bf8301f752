"""Transcripts that the portal's own recognition has made.

Facts: bitrix24/b24restdocs, crm-activity-call-get-transcript. The method takes the id of the call's CRM activity,
which is in the statistics row, and responds `{"transcription": text}` or null; it starts no recognition. NOT_FOUND: no
such activity, or it is bound to no object. ACCESS_DENIED: no right to the bound objects, or the portal's AI is off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from include.clients.bitrix24.batch_request import Command
from include.clients.bitrix24.portal import BATCH_SIZE, BatchResponse, Portal
from include.clients.bitrix24.portal_errors import ACCESS_DENIED, INSUFFICIENT_SCOPE, UNKNOWN_METHOD, export_error
from include.clients.bitrix24.responses import whole_number
from include.common.errors import AccessDenied, Temporary

TRANSCRIPT = "crm.activity.call.getTranscript"
_STATISTICS = "voximplant.statistic.get"
_ATTEMPTS = 2
_NO_ACTIVITY = 2_147_483_647  # the largest id that the portal's column holds


def transcripts_of(portal: Portal, statistics_ids: Sequence[int]) -> dict[int, str]:
    """The existing texts by statistics row; one request reads 50 rows, another 50 texts.

    A row without a CRM activity, and an activity without a text, are left out. Raises what `Portal.batch` raises.
    """
    activities = _activities(portal, statistics_ids)
    texts: dict[int, str] = {}
    left = {f"t{row}": command_for(activity) for row, activity in activities.items()}
    for attempt in range(_ATTEMPTS):
        requested, left = left, {}
        for start in range(0, len(requested), BATCH_SIZE):
            keys = list(requested)[start : start + BATCH_SIZE]
            response = _request({key: requested[key] for key in keys}, portal, last=attempt == _ATTEMPTS - 1)
            texts |= {int(key[1:]): text for key, found in response.results.items() if (text := _text(found))}
            left |= {key: requested[key] for key in keys if key not in response.results and key not in response.errors}
    return texts


def _request(commands: Mapping[str, Command], portal: Portal, *, last: bool) -> BatchResponse:
    """A command without a result may be postponed, or be a null that this portal leaves out: it is sent once more."""
    try:
        return portal.batch_once(commands, portal.refusal_limit())
    except Temporary:
        if not last:
            raise
        return BatchResponse({}, {})


def command_for(activity: int) -> Command:
    return (TRANSCRIPT, {"activityId": activity})


def check_right(portal: Portal, rows: Sequence[Mapping[str, Any]]) -> None:
    """One harmless request for the newest call's activity, or for an activity that cannot exist.

    Raises AccessDenied if the portal refuses it: no text would ever be found, and each one would be bought silently.
    """
    activity = next((found for row in rows if (found := whole_number(row.get("CRM_ACTIVITY_ID")))), _NO_ACTIVITY)
    errors = portal.batch({"t": command_for(activity)}).errors
    for error in errors.values():
        if error.code == ACCESS_DENIED:
            raise AccessDenied(
                "stt.reuse_portal_transcripts is on, but the webhook's owner may not read the portal's transcripts: "
                "switch the AI processing of calls on in the portal, give the owner the right to read CRM, or switch "
                "the setting off",
                problem="portal_transcripts_denied",
            )
        if error.code in (INSUFFICIENT_SCOPE, UNKNOWN_METHOD):
            raise export_error(error, TRANSCRIPT)


def _activities(portal: Portal, statistics_ids: Sequence[int]) -> dict[int, int]:
    """The CRM activity of each row that has one; a response with another row is passed over."""
    commands: dict[str, Command] = {
        f"r{row}": (_STATISTICS, {"FILTER": {"ID": str(row)}, "start": -1}) for row in statistics_ids
    }
    found: dict[int, int] = {}
    for key, rows in portal.batch(commands).results.items():
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        activity = whole_number(row.get("CRM_ACTIVITY_ID"))
        if activity and whole_number(row.get("ID")) == int(key[1:]):
            found[int(key[1:])] = activity
    return found


def _text(response: object) -> str:
    text = response.get("transcription") if isinstance(response, dict) else None
    return text.strip() if isinstance(text, str) else ""
