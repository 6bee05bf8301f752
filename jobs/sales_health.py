"""The health page of sales, a process of its own: an answer from inside Airflow could not say that Airflow is dead.

    python -m jobs.sales_health --port 8081      serves on loopback until SIGTERM

No answer takes longer than some seconds; no data of a row and no name of an account is in one.
"""

import argparse
import logging
import os
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import uvicorn
from psycopg.conninfo import make_conninfo
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import ExportError
from include.sales.reporting import health
from include.sales.state.state import SalesState
from include.sales.steps.watch import freshness
from jobs.sales_services import state_conninfo, warehouse_settings

log = logging.getLogger(__name__)
LIMIT_SECONDS = 2.0


def look(conninfo: str, zone: ZoneInfo) -> health.Seen:
    """One look at both databases; what does not answer in time is an error in the result."""
    now = datetime.now(UTC)
    found: dict[str, object] = {}
    try:
        with Warehouse(warehouse_settings(read_seconds=LIMIT_SECONDS, connect_seconds=LIMIT_SECONDS)) as warehouse:
            found["warehouse_version"] = warehouse.version()
            found["freshness"] = freshness(warehouse)
    except ExportError as error:
        log.warning("ClickHouse: %s", error)
        found["warehouse_error"] = f"no answer in {LIMIT_SECONDS:g} s ({error.code})"
    try:
        with SalesState.open(conninfo) as state:
            found["jobs"] = {
                name: health.JobState(run.started_at, run.status, run.last_success_at, run.longest)
                for name, run in state.job_runs.latest().items()
            }
            found["open_alerts"] = Counter((alert.alert_type, alert.code) for alert in state.alerts.open())
            living = state.backups.living()
            found["last_full_backup"] = next((one.finished_at for one in living if one.kind == "full"), None)
            found["last_verified_backup"] = next((one.verified_at for one in living if one.verified_at), None)
    except ExportError as error:
        log.warning("PostgreSQL: %s", error)
        found["state_error"] = "no answer"
    return health.Seen(now=now, zone=zone, **found)  # type: ignore[arg-type]  # names of its own fields


def make_app(conninfo: str, zone: ZoneInfo) -> Starlette:
    async def seen() -> health.Seen:
        return await run_in_threadpool(look, conninfo, zone)

    async def healthz(_: Request) -> Response:
        status, body = health.healthz(await seen())
        return JSONResponse(body, status)

    async def detailed(request: Request) -> Response:
        status, body = health.detailed(await seen(), strict=request.query_params.get("strict") == "1")
        return JSONResponse(body, status)

    async def data_freshness(_: Request) -> Response:
        status, body = health.data_freshness(await seen())
        return JSONResponse(body, status)

    async def metrics(_: Request) -> Response:
        return Response(health.metrics(await seen()), media_type="text/plain; version=0.0.4")

    async def unknown(_: Request, __: Exception) -> Response:
        return JSONResponse({"status": "error", "error": "there is no such page"}, 404)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/healthz/detailed", detailed),
            Route("/healthz/freshness", data_freshness),
            Route("/metrics", metrics),
        ],
        exception_handlers={404: unknown},
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    serve(parser.parse_args().port)


def serve(port: int) -> None:
    """On loopback, until SIGTERM."""
    zone = ZoneInfo(os.environ.get("SALES_TIMEZONE") or "Europe/Moscow")
    app = make_app(make_conninfo(**state_conninfo()), zone)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
