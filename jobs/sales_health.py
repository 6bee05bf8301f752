"""The health page of sales, a process of its own: an answer from inside Airflow could not say that Airflow is dead.

    python -m jobs.sales_health --port 8081      serves on loopback until SIGTERM

No answer takes longer than some seconds; no data of a row and no name of an account is in one.
"""

import argparse
import os
from zoneinfo import ZoneInfo

import requests
import uvicorn
from psycopg.conninfo import make_conninfo
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from include.common.errors import Temporary
from include.common.names import AIRFLOW_API_CONN
from include.sales.domain.airflow_state import scheduler_state
from include.sales.reporting import health
from include.sales.steps.look import LIMIT_SECONDS, look
from jobs.airflow_api import connection_from_environment
from jobs.sales_services import state_conninfo, warehouse_settings


def seen(zone: ZoneInfo) -> health.Seen:
    """The connections are read each time, as everywhere."""
    return look(
        lambda: warehouse_settings(read_seconds=LIMIT_SECONDS, connect_seconds=LIMIT_SECONDS),
        lambda: make_conninfo(**state_conninfo()),
        airflow_state,
        zone,
    )


def airflow_state() -> str:
    """Raises Temporary where Airflow does not answer, or its scheduler has no heartbeat."""
    address = str(connection_from_environment(AIRFLOW_API_CONN)["host"]).rstrip("/")
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"{address}/api/v2/monitor/health", timeout=LIMIT_SECONDS).json()
        except (requests.RequestException, ValueError) as error:
            raise Temporary(f"Airflow does not answer ({type(error).__name__})") from None
    return scheduler_state(answer)


def make_app(zone: ZoneInfo) -> Starlette:
    async def healthz(_: Request) -> Response:
        status, body = health.healthz(await run_in_threadpool(seen, zone))
        return JSONResponse(body, status)

    async def detailed(request: Request) -> Response:
        strict = request.query_params.get("strict") == "1"
        status, body = health.detailed(await run_in_threadpool(seen, zone), strict=strict)
        return JSONResponse(body, status)

    async def data_freshness(_: Request) -> Response:
        status, body = health.data_freshness(await run_in_threadpool(seen, zone))
        return JSONResponse(body, status)

    async def metrics(_: Request) -> Response:
        return Response(health.metrics(await run_in_threadpool(seen, zone)), media_type=health.METRICS_TYPE)

    async def unknown(_: Request, __: Exception) -> Response:
        return JSONResponse({"status": "error", "error": "there is no such page"}, 404)

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/healthz/detailed", detailed),
            Route("/healthz/freshness", data_freshness),
            Route("/metrics", metrics),
        ],
        exception_handlers={404: unknown},
    )
    app.router.redirect_slashes = False  # `/healthz/` is no page either
    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    chosen = parser.parse_args()
    serve(chosen.port, chosen.host)


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Until SIGTERM."""
    zone = ZoneInfo(os.environ.get("SALES_TIMEZONE") or "Europe/Moscow")
    uvicorn.run(make_app(zone), host=host, port=port, log_level="warning")


if __name__ == "__main__":
    main()
