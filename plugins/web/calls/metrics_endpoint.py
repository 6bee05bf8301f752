"""`GET /call_export/metrics`: for a bearer of METRICS_TOKEN, or for a user of Airflow who may see the DAG's runs."""

import hmac
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from include.calls.domain.metric_values import Limits
from include.calls.names import DAG_ID, METRICS_CONN
from include.calls.reporting.prometheus_page import CONTENT_TYPE, limits_of, render_metrics
from include.calls.state.metrics import MetricsReader
from include.common.errors import ExportError
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook

FRESH_SECONDS = 5.0  # two Prometheuses, or one and a curious person, cost no more than one

router = APIRouter()
_may_see_runs = requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID)


async def may_read(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
) -> None:
    """Lets the static token in, and whom Airflow lets see the runs; the others get Airflow's own 401 or 403."""
    if bearer and _is_ours(bearer.credentials):
        return
    await run_in_threadpool(_may_see_runs, request, await get_user(request, None, bearer))


def _is_ours(token: str) -> bool:
    try:
        expected = BaseHook.get_connection(METRICS_CONN).password
    except AirflowNotFoundException:
        return False
    return bool(expected) and hmac.compare_digest(token.encode(), str(expected).encode())


class Page:
    """The last page, made anew where it is older than FRESH_SECONDS; who asks meanwhile waits for that one query."""

    def __init__(self, open_reader: Callable[[], MetricsReader], clock: Callable[[], float] = time.monotonic) -> None:
        self._open_reader, self._clock = open_reader, clock
        self._turn = threading.Lock()
        self._reader: MetricsReader | None = None
        self._made_at, self._text = float("-inf"), b""

    def text(self, limits: Limits) -> bytes:
        """Raises Temporary where the database does not answer: an old page would say that all is well."""
        with self._turn:
            if self._clock() - self._made_at > FRESH_SECONDS:
                self._reader = self._reader or self._open_reader()
                run_limit = limits.budget_usd * (1 + limits.over_budget_share)
                self._text = render_metrics(self._reader.figures(run_limit=run_limit), limits)
                self._made_at = self._clock()
            return self._text


_page = Page(lambda: MetricsReader.open(CallsStateHook().conninfo()))


@router.get("/metrics", dependencies=[Depends(may_read)])
def metrics() -> Response:
    policy = load_run_policy()
    try:
        text = _page.text(limits_of(policy.schedule, policy.money, datetime.now(UTC)))
    except ExportError as error:
        raise HTTPException(503, str(error)) from None
    return Response(text, media_type=CONTENT_TYPE)
