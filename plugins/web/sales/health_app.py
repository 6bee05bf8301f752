"""The health page inside Airflow, under `/zakaz`: for the bearer of METRICS_TOKEN, or who may see the runs of sales.

The same answers as those of the process of its own (`jobs/sales_health.py`), which can say that Airflow is dead.
"""

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse, Response

from include.calls.names import METRICS_CONN
from include.sales.domain.airflow_state import scheduler_state
from include.sales.names import QTICKETS_DAG_ID
from include.sales.reporting import health
from include.sales.steps.look import LIMIT_SECONDS, look
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.sales_policy import load_run_sales_policy
from plugins.hooks.warehouse_hook import WarehouseHook
from plugins.web.access import token_or_user
from plugins.web.fab_roles import RUNS

app = FastAPI(
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
    dependencies=[Depends(token_or_user(METRICS_CONN, QTICKETS_DAG_ID, RUNS))],
)


def seen() -> health.Seen:
    return look(
        lambda: WarehouseHook().settings(read_seconds=LIMIT_SECONDS, connect_seconds=LIMIT_SECONDS),
        lambda: CallsStateHook().conninfo(),
        _airflow,
        load_run_sales_policy().zone,
    )


def _airflow() -> str:
    from airflow.api.common.airflow_health import get_airflow_health

    return scheduler_state(get_airflow_health())


@app.get("/healthz")
def healthz() -> JSONResponse:
    status, body = health.healthz(seen())
    return JSONResponse(body, status)


@app.get("/healthz/detailed")
def detailed(*, strict: bool = False) -> JSONResponse:
    status, body = health.detailed(seen(), strict=strict)
    return JSONResponse(body, status)


@app.get("/healthz/freshness")
def data_freshness() -> JSONResponse:
    status, body = health.data_freshness(seen())
    return JSONResponse(body, status)


@app.get("/metrics")
def metrics() -> Response:
    return Response(health.metrics(seen()), media_type=health.METRICS_TYPE)
