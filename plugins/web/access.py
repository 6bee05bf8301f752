"""Who may call a route: the bearer of a static token, or a user whom Airflow allows it."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def token_or_user(token_conn_id: str, dag_id: str, resource: str) -> Callable[[Request, Bearer], Awaitable[None]]:
    """A dependency that admits the password of that connection and users who may see the DAG's runs and the resource.

    All others get Airflow's own 401 or 403. Only an auth manager with roles tells resources apart (`fab_roles`):
    SimpleAuthManager allows each of them to every user.
    """
    may_see_runs = requires_access_dag("GET", DagAccessEntity.RUN, dag_id)

    async def admitted(request: Request, bearer: Bearer) -> None:
        if bearer and is_token(bearer.credentials, token_conn_id):
            return
        user = await get_user(request, None, bearer)
        await run_in_threadpool(may_see_runs, request, user)
        allowed = get_auth_manager().is_authorized_custom_view
        if not await run_in_threadpool(allowed, method="GET", resource_name=resource, user=user):
            raise HTTPException(403, "Forbidden")

    return admitted


def is_token(token: str, conn_id: str) -> bool:
    try:
        expected = BaseHook.get_connection(conn_id).password
    except AirflowNotFoundException:
        return False
    return bool(expected) and hmac.compare_digest(token.encode(), str(expected).encode())
