"""Whether a webhook may see everything that the export needs; checked before a run lists anything.

A webhook acts with its owner's rights. An owner whose role is limited to their own or their department's calls gets
fewer rows and no error: the portal's core overwrites the filter's PORTAL_USER_ID with the list of allowed employees.
This overwriting reveals the role: asked for the calls of an employee who cannot exist, a portal that honours the
filter counts none, and one that has overwritten it counts the allowed ones. If that finds nothing, an owner without
administrator's rights must see at least one call of another employee within 90 days: without one, the export would
look like that of a quiet portal. REST shows no more: it does not tell the role itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_errors import ACCESS_DENIED, INSUFFICIENT_SCOPE, export_error, scope_of
from include.clients.bitrix24.portal_transcripts import TRANSCRIPT, check_right
from include.clients.bitrix24.responses import Response, unknown_form, whole_number
from include.common.errors import AccessDenied

_STATISTICS = "voximplant.statistic.get"
_FILE = "disk.file.get"
_USERS = "user.get"
_IMPOSSIBLE_USER = 2_147_483_647  # the largest id that the portal's column holds
_WINDOW = timedelta(days=90)
_FILES_TRIED = 5
_ROLE = (
    "give the owner a role that may view the call statistics of all employees in the telephony settings, "
    "or let an administrator own the webhook"
)

_SCOPES: dict[str, frozenset[str]] = {
    _STATISTICS: frozenset({"telephony"}),
    _FILE: frozenset({"disk"}),
    _USERS: frozenset({"user", "user_basic", "user_brief"}),
}
_TRANSCRIPT_SCOPES = {TRANSCRIPT: frozenset({"crm"})}


def check_access(portal: Portal, now: datetime, *, transcripts: bool = False) -> None:
    """Raises AccessDenied that names the missing right and how to grant it.

    `transcripts`: the portal's own transcripts are going to be read, too.
    """
    _check_scopes(portal, _SCOPES | (_TRANSCRIPT_SCOPES if transcripts else {}))
    newest = _statistics(portal, now, {})
    if transcripts:
        check_right(portal, newest.result)
    _check_files(portal, newest)
    portal.call(_USERS, {"FILTER": {"ID": portal.webhook.user_id}, "start": -1})
    _check_sees_all_employees(portal, now)


def _check_scopes(portal: Portal, needed: Mapping[str, frozenset[str]]) -> None:
    granted = portal.call("scope").result
    if not isinstance(granted, list):
        raise unknown_form("scope", "the response is no list of permissions")
    missing = [scope_of(method) for method, any_of in needed.items() if not any_of & set(map(str, granted))]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise AccessDenied(
            f"the webhook lacks the permission {names}: tick it in the webhook's settings on the portal",
            problem="webhook_lacks_scope",
            scope=", ".join(missing),
        )


def _check_files(portal: Portal, newest: Response) -> None:
    """Tries the newest recordings: the right to read one folder does not imply the right to read another."""
    rows: list[dict[str, Any]] = newest.result
    found = [identity for row in rows if (identity := whole_number(row.get("RECORD_FILE_ID")))]
    commands = {f"f{identity}": (_FILE, {"id": identity}) for identity in found[:_FILES_TRIED]}
    response = portal.batch(commands)
    denied = [error for error in response.errors.values() if error.code in (ACCESS_DENIED, INSUFFICIENT_SCOPE)]
    if denied and len(denied) == len(commands):
        raise export_error(denied[0], _FILE)


def _check_sees_all_employees(portal: Portal, now: datetime) -> None:
    if _statistics(portal, now, {"PORTAL_USER_ID": _IMPOSSIBLE_USER}).total:
        raise AccessDenied(
            f"the webhook's owner sees only their own or their department's calls: {_ROLE}",
            problem="owner_sees_own_calls",
        )
    others = _statistics(portal, now, {"!PORTAL_USER_ID": portal.webhook.user_id})
    if others.total == 0 and not _is_administrator(portal):
        raise AccessDenied(
            f"the webhook's owner sees no calls of other employees in the last {_WINDOW.days} days: {_ROLE}",
            problem="owner_sees_no_others",
            days=_WINDOW.days,
        )


def _statistics(portal: Portal, now: datetime, conditions: dict[str, Any]) -> Response:
    since = (now - _WINDOW).isoformat(timespec="seconds")
    response = portal.call(
        _STATISTICS,
        {"FILTER": {">=CALL_START_DATE": since, **conditions}, "SORT": "ID", "ORDER": "DESC", "start": 0},
    )
    if response.total is None or not isinstance(response.result, list):
        raise unknown_form(_STATISTICS, "the portal did not count its calls")
    return response


def _is_administrator(portal: Portal) -> bool:
    profile = portal.call("profile").result
    return isinstance(profile, dict) and profile.get("ADMIN") is True
