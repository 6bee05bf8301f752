"""The routes of the call browser in this process: Airflow's own auth manager, a real database, a folder as storage."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import airflow.settings
import pytest
from airflow.api_fastapi.app import get_auth_manager, init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models import import_all_models
from airflow.models.base import Base
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from psycopg.conninfo import conninfo_to_dict
from starlette.routing import BaseRoute

from include.calls.names import SEARCH_CONN, STATE_CONN, STORAGE_CONN
from plugins.web.app import app
from plugins.web.calls.browser_api import playable, routes
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.routes import router
from plugins.web.calls.browser_api.threads import sessions

ROLES = ("viewer", "user", "op", "admin")
TOKEN = "a token of this test"


def connection(patch: pytest.MonkeyPatch, conn_id: str, **conn: Any) -> None:
    patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(conn))


@contextmanager
def browser_client(database: str, storage: Path) -> Iterator[TestClient]:
    """A client of the app below `/call_export`; every request names its user (`as_user`)."""
    with pytest.MonkeyPatch.context() as patch:
        where: dict[str, Any] = dict(conninfo_to_dict(database))
        conn = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None)}
        connection(patch, STATE_CONN, **conn, extra=where)
        connection(patch, STORAGE_CONN, conn_type="fs", extra={"path": str(storage)})
        connection(patch, SEARCH_CONN, conn_type="generic", password=TOKEN)
        patch.setattr(playable, "COPY_WAIT_SECONDS", 60.0)  # this machine may be busy
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a key of this test" * 4)
        import_all_models()
        Base.metadata.create_all(airflow.settings.engine)  # asked for each token and DAG
        init_auth_manager()
        routes._storage.cache_clear()
        routes._sounds.cache_clear()
        try:
            with TestClient(app, raise_server_exceptions=True) as client:
                yield client
        finally:
            sessions.close()
            routes._storage.cache_clear()
            routes._sounds.cache_clear()


def routes_and_rights(routes: Iterable[BaseRoute] | None = None) -> dict[tuple[str, str], Right | None]:
    """Every method and path of the call browser, or of these routes, with the right that it needs; None: any right.

    Read from the routes, so that a new one is in each matrix at once. Raises AssertionError for one that asks no right.
    """
    found: dict[tuple[str, str], Right | None] = {}
    for route in router.routes if routes is None else routes:
        assert isinstance(route, APIRoute)
        asked = [each.call.right for each in route.dependant.dependencies if hasattr(each.call, "right")]
        assert asked, f"{route.path} asks for no right"
        found |= dict.fromkeys(((method, route.path) for method in sorted(route.methods)), asked[0])
    return found


def example(path: str) -> str:
    """The path with ids that exist nowhere, or hardly."""
    return (
        path.replace("{call}", "1")
        .replace("{s}", "0" * 16)
        .replace("{run_id}", str(UUID(int=0)))
        .replace("{bundle}", "0" * 16)
        .replace("{erasure_id}", str(UUID(int=0)))
        .replace("{score_id}", str(UUID(int=0)))
        .replace("{dispute_id}", "1")
        .replace("{card}", "none")
        .replace("{name}", "none")
        .replace("{item_no}", "1")
    )


def as_user(role: str, name: str = "") -> dict[str, str]:
    """Headers of a person who has logged in."""
    user = SimpleAuthManagerUser(username=name or role, role=role)
    return {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}
