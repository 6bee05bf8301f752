"""Who is asking: a dependency of every route, with the right that the route needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from include.calls.names import DAG_ID
from plugins.web.access import Bearer
from plugins.web.calls.browser_api.reader_rights import Right, rights_of

_SAFE = frozenset({"GET", "HEAD"})
_OUR_SITE = frozenset({"same-origin", "none"})
_may_see_runs = requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID)


@dataclass(frozen=True, slots=True)
class Reader:
    """A person or program with at least one right. `actor` is the name in the audit log."""

    actor: str
    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        return right in self.rights


def needs(right: Right | None) -> Callable[[Request, Bearer], Awaitable[Reader]]:
    """A dependency that gives the Reader; 401, 403 for those who lack the right. None: any right is enough."""

    async def admitted(request: Request, bearer: Bearer) -> Reader:
        refuse_other_sites(request)
        user = await get_user(request, None, bearer)
        await run_in_threadpool(_may_see_runs, request, user)
        rights = await run_in_threadpool(rights_of, user, get_auth_manager())
        if not rights or (right is not None and right not in rights):
            raise HTTPException(403, "no right")
        return Reader(user.get_id(), user.get_name(), rights)

    admitted.right = right  # type: ignore[attr-defined]  # read by the test that walks all routes
    return admitted


def refuse_other_sites(request: Request) -> None:
    """A page of another site, a sibling subdomain too, may not send what changes something: the cookie comes along."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in _OUR_SITE:
        raise HTTPException(403, "another site may not send this")
    if site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "another site may not send this")


Anyone = Annotated[Reader, Depends(needs(None))]
MayRead = Annotated[Reader, Depends(needs(Right.READ))]
MayHear = Annotated[Reader, Depends(needs(Right.HEAR))]
MayCheck = Annotated[Reader, Depends(needs(Right.CHECK))]
MayUnmask = Annotated[Reader, Depends(needs(Right.UNMASK))]
