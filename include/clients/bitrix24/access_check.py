"""May this webhook see everything the export needs? Asked before a run lists anything (D11).

A webhook acts with its owner's rights. An owner whose role is limited to their own or their department's calls gets
fewer rows and no error: the portal's core overwrites the filter's PORTAL_USER_ID with the list of allowed employees.
That very thing gives the role away: asked for the calls of an employee who cannot exist, a portal that honours the
filter counts none, one that has overwritten it counts the allowed ones. Where that finds nothing, an owner without
administrator's rights must at least see somebody else's call within 90 days: no calls but one's own, or none at all,
would make an export that looks like a quiet portal. REST shows no more: it does not tell the role itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from include.clients.bitrix24.portal import Portal
from include.clients.bitrix24.portal_transcripts import TRANSCRIPT, check_right
from include.clients.bitrix24.responses import ACCESS_DENIED, INSUFFICIENT_SCOPE, Answer, ours, scope_of, whole
from include.common.errors import AccessDenied, ContractBroken

_STATISTICS = "voximplant.statistic.get"
_FILE = "disk.file.get"
_USERS = "user.get"
_NOBODY = 2_147_483_647  # the largest id the portal's column holds
_WINDOW = timedelta(days=90)
_FILES_TRIED = 5
_ROLE = (
    "give the owner a role with «Статистика звонков: просмотр — любые» in the telephony settings, "
    "or let an administrator own the webhook"
)

_SCOPES: dict[str, frozenset[str]] = {
    _STATISTICS: frozenset({"telephony"}),
    _FILE: frozenset({"disk"}),
    _USERS: frozenset({"user", "user_basic", "user_brief"}),
}
_TRANSCRIPT_SCOPES = {TRANSCRIPT: frozenset({"crm"})}


def check_access(portal: Portal, now: datetime, *, transcripts: bool = False) -> None:
    """Raises AccessDenied that names the missing right and what to do.

    `transcripts`: may it read the portal's own transcripts, too (D24)?
    """
    _check_scopes(portal, _SCOPES | (_TRANSCRIPT_SCOPES if transcripts else {}))
    newest = _statistics(portal, now, {})
    if transcripts:
        check_right(portal, newest.result)
    _check_files(portal, newest)
    portal.call(_USERS, {"FILTER": {"ID": portal.webhook.user_id}, "start": -1})
    _check_sees_everybody(portal, now)


def _check_scopes(portal: Portal, needed: Mapping[str, frozenset[str]]) -> None:
    granted = portal.call("scope").result
    if not isinstance(granted, list):
        raise ContractBroken("scope: the portal's answer is no list of permissions")
    missing = [scope_of(method) for method, any_of in needed.items() if not any_of & set(map(str, granted))]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise AccessDenied(f"the webhook lacks the permission {names}: tick it in the webhook's settings on the portal")


def _check_files(portal: Portal, newest: Answer) -> None:
    """Tries the newest recordings: the right to read one folder says nothing about another."""
    rows: list[dict[str, Any]] = newest.result
    found = [identity for row in rows if (identity := whole(row.get("RECORD_FILE_ID")))]
    commands = {f"f{identity}": (_FILE, {"id": identity}) for identity in found[:_FILES_TRIED]}
    answer = portal.batch(commands)
    denied = [error for error in answer.errors.values() if error.code in (ACCESS_DENIED, INSUFFICIENT_SCOPE)]
    if denied and len(denied) == len(commands):
        raise ours(denied[0], _FILE)


def _check_sees_everybody(portal: Portal, now: datetime) -> None:
    if _statistics(portal, now, {"PORTAL_USER_ID": _NOBODY}).total:
        raise AccessDenied(f"the webhook's owner sees only their own or their department's calls: {_ROLE}")
    others = _statistics(portal, now, {"!PORTAL_USER_ID": portal.webhook.user_id})
    if others.total == 0 and not _is_administrator(portal):
        raise AccessDenied(f"the webhook's owner sees nobody else's calls of the last {_WINDOW.days} days: {_ROLE}")


def _statistics(portal: Portal, now: datetime, conditions: dict[str, Any]) -> Answer:
    since = (now - _WINDOW).isoformat(timespec="seconds")
    answer = portal.call(
        _STATISTICS,
        {"FILTER": {">=CALL_START_DATE": since, **conditions}, "SORT": "ID", "ORDER": "DESC", "start": 0},
    )
    if answer.total is None or not isinstance(answer.result, list):
        raise ContractBroken(f"{_STATISTICS}: the portal did not count its calls")
    return answer


def _is_administrator(portal: Portal) -> bool:
    profile = portal.call("profile").result
    return isinstance(profile, dict) and profile.get("ADMIN") is True
