"""`GET /call_export/metrics`: for the bearer of METRICS_TOKEN, or for a user who may see the runs."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, HTTPException, Response

from include.calls.domain.metric_values import Limits, Surroundings
from include.calls.names import DAG_ID, METRICS_CONN
from include.calls.reporting.prometheus_page import CONTENT_TYPE, limits_of, render_metrics
from include.calls.state.metrics import MetricsReader
from include.common.errors import ExportError
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.smoke_policy import load_run_smoke_policy
from plugins.web.access import token_or_user
from plugins.web.calls import worker_metrics
from plugins.web.calls.disks import surroundings
from plugins.web.fab_roles import RUNS

FRESH_SECONDS = 5.0  # several readers cost no more than one

router = APIRouter()


class Page:
    """The last page, made again if it is older than FRESH_SECONDS; concurrent readers wait for that one query."""

    def __init__(self, open_reader: Callable[[], MetricsReader], clock: Callable[[], float] = time.monotonic) -> None:
        self._open_reader, self._clock = open_reader, clock
        self._lock = threading.Lock()
        self._reader: MetricsReader | None = None
        self._made_at, self._text = float("-inf"), b""

    def text(self, limits: Limits, around: Callable[[MetricsReader], Surroundings]) -> bytes:
        """Raises Temporary if the database does not answer: an old page would hide that."""
        with self._lock:
            if self._clock() - self._made_at > FRESH_SECONDS:
                self._reader = self._reader or self._open_reader()
                run_limit = limits.budget_usd * (1 + limits.over_budget_share)
                self._text = render_metrics(self._reader.figures(run_limit=run_limit), limits, around(self._reader))
                self._made_at = self._clock()
            return self._text


_page = Page(lambda: MetricsReader.open(CallsStateHook().conninfo()))


@router.get("/metrics", dependencies=[Depends(token_or_user(METRICS_CONN, DAG_ID, RUNS))])
def metrics() -> Response:
    policy = load_run_policy()
    try:
        limits = limits_of(
            policy.schedule,
            policy.money,
            policy.portal,
            policy.privacy,
            datetime.now(UTC),
            smoke_worse_by=load_run_smoke_policy().alert.worse_by,
        )
        text = _page.text(limits, surroundings) + worker_metrics.page()
    except ExportError as error:
        raise HTTPException(503, str(error)) from None
    return Response(text, media_type=CONTENT_TYPE)
