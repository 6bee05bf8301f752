"""Who is asking: a dependency of every route, with the right that the route needs.

A person logs in to Airflow; another program sends the token of the connection `call_export_search`, which may read and
nothing else. A refusal to a known person is in the audit log.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, Request

from include.calls.domain.audit_chain import Action
from include.calls.names import DAG_ID, SEARCH_CONN
from include.calls.state.audit import AuditLog
from include.common.errors import ExportError
from plugins.web.access import Bearer, is_token
from plugins.web.calls.browser_api.reader_rights import Right, rights_of
from plugins.web.calls.browser_api.refusals import Refused, language_of
from plugins.web.calls.browser_api.threads import in_thread, sessions
from plugins.web.calls.browser_api.two_languages import Language

_SAFE = frozenset({"GET", "HEAD"})
_OUR_SITE = frozenset({"same-origin", "none"})
PROGRAM = "token:search"  # the actor of the static token in the audit log and in `call_scopes`
RIGHTS_OF_PROGRAM = frozenset({Right.READ})
_may_see_runs = requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID)


@dataclass(frozen=True, slots=True)
class Reader:
    """A person or program with at least one right. `actor` is the name in the audit log, `user_id` Airflow's id."""

    actor: str
    user_id: str
    rights: frozenset[Right]
    language: Language
    request_id: str

    def may(self, right: Right) -> bool:
        return right in self.rights


def needs(right: Right | None) -> Callable[[Request, Bearer], Awaitable[Reader]]:
    """A dependency that gives the Reader; 401, 403 for those who lack the right. None: any right is enough."""

    async def admitted(request: Request, bearer: Bearer) -> Reader:
        language = language_of(request)
        try:
            refuse_other_sites(request)
            reader = await _reader(request, bearer, language)
            if right is not None and not reader.may(right):
                await in_thread(_deny, reader, _route_of(request), right)
        except Refused as refused:
            raise refused.answer(language) from None
        return reader

    admitted.right = right  # type: ignore[attr-defined]  # the matrix of rights is made from it
    return admitted


async def _reader(request: Request, bearer: Bearer, language: Language) -> Reader:
    request_id = secrets.token_hex(6)
    is_program = False
    if bearer:
        is_program = await in_thread(is_token, bearer.credentials, SEARCH_CONN)
    if is_program:
        return Reader(PROGRAM, PROGRAM, RIGHTS_OF_PROGRAM, language, request_id)
    user = await get_user(request, None, bearer)
    await in_thread(_may_see_runs, request, user)
    rights = await in_thread(rights_of, user, get_auth_manager())
    reader = Reader(user.get_name(), user.get_id(), rights, language, request_id)
    if not rights:
        await in_thread(_deny, reader, _route_of(request), None)
    return reader


def _deny(reader: Reader, route: str, right: Right | None) -> NoReturn:
    """Raises Refused, after the refusal was noted."""
    detail = {"route": route, "right": right, "user": reader.user_id, "request": reader.request_id}
    try:
        with sessions.one() as session:
            AuditLog(session).record(Action.ACCESS_DENIED, actor=reader.actor, detail=detail)
    except ExportError:
        raise Refused(503, "not_noted") from None
    raise Refused(403, "no_right" if right else "no_rights", right=right)


def _route_of(request: Request) -> str:
    """The route's path with the names of its parameters: what was asked for is not in it."""
    return f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"


def refuse_other_sites(request: Request) -> None:
    """A page of another site, a sibling subdomain too, may not send what changes something: the cookie comes along."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in _OUR_SITE:
        raise Refused(403, "other_site")
    if site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused(403, "other_site")


AnyReader = Annotated[Reader, Depends(needs(None))]
MayRead = Annotated[Reader, Depends(needs(Right.READ))]
MayHear = Annotated[Reader, Depends(needs(Right.HEAR))]
MayCheck = Annotated[Reader, Depends(needs(Right.CHECK))]
MayFix = Annotated[Reader, Depends(needs(Right.FIX))]
MayTake = Annotated[Reader, Depends(needs(Right.TAKE))]
MayAsk = Annotated[Reader, Depends(needs(Right.ASK))]
MayDecide = Annotated[Reader, Depends(needs(Right.DECIDE))]
MayUnmask = Annotated[Reader, Depends(needs(Right.UNMASK))]
MaySeeRuns = Annotated[Reader, Depends(needs(Right.RUNS))]
MayAudit = Annotated[Reader, Depends(needs(Right.AUDIT))]
