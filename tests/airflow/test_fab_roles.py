"""Roles of this product in FAB, asked of a real application: which role may do what, on which route."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.calls.names import DAG_ID
from ops.one_machine import postgres
from ops.prepare import prepare
from ops.settings.airflow_environment import process_environment
from ops.settings.env_file import VARIABLES, load_settings
from ops.settings.generated_secrets import generated, write_private
from ops.settings.profile import REPOSITORY, Runtime
from plugins.web.call_centre import quality_routes
from plugins.web.calls.browser_api.reader_rights import FAB_PERMISSIONS
from plugins.web.fab_roles import ANALYST, OPERATOR, ROLES, SECURITY_OFFICER, SUPERVISOR, TASKS, VIEWER
from tests.airflow.browser_client import example, routes_and_rights
from tests.airflow.system import SILENT
from tests.kit.server_folder import server_folder

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(600)]

RUN = f"/api/v2/dags/{DAG_ID}/dagRuns"
ERASE = "/api/v2/dags/call_erasure/dagRuns"
EVERYBODY = {"Admin", *ROLES}
PEOPLE = EVERYBODY - {TASKS}
NEW_RUN = {"logical_date": None, "conf": {}}
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}

# Each route with the roles that it does not refuse. 404 is no refusal: there is no such run in this system.
ALLOWED: dict[tuple[str, str], set[str]] = {
    ("GET", RUN): EVERYBODY,
    ("POST", RUN): {"Admin", OPERATOR, TASKS},
    ("PATCH", f"{RUN}/none"): {"Admin", OPERATOR, TASKS},
    ("POST", f"{RUN}/none/clear"): {"Admin", OPERATOR, TASKS},
    ("DELETE", f"{RUN}/none"): {"Admin"},
    ("GET", f"{RUN}/none/taskInstances/plan/logs/1"): PEOPLE,
    ("GET", f"{RUN}/none/hitlDetails"): EVERYBODY,
    ("PATCH", f"{RUN}/none/taskInstances/approve/-1/hitlDetails"): {"Admin", OPERATOR},
    ("POST", ERASE): {"Admin", OPERATOR, SECURITY_OFFICER, TASKS},
    ("PATCH", f"{ERASE}/none/taskInstances/approve/-1/hitlDetails"): {"Admin", OPERATOR, SECURITY_OFFICER},
    ("GET", "/api/v2/connections"): {"Admin"},
    ("GET", "/api/v2/variables"): {"Admin"},
    ("GET", "/api/v2/eventLogs"): {"Admin"},
    ("GET", "/api/v2/pools"): {"Admin", OPERATOR},
    ("GET", "/auth/fab/v1/users"): {"Admin"},
    ("GET", "/call_export/metrics"): PEOPLE,
    ("POST", "/call_export/runs"): {"Admin", OPERATOR, TASKS},
    ("GET", "/callcenter/metrics"): PEOPLE,
    ("GET", "/callcenter/llm/config"): EVERYBODY,
    ("GET", "/callcenter/llm/providers"): EVERYBODY,
    ("PATCH", "/callcenter/llm/config"): {"Admin", OPERATOR, TASKS},
    ("POST", "/callcenter/llm/providers/none/reset"): {"Admin", OPERATOR, TASKS},
    ("POST", "/callcenter/llm/day"): {"Admin", OPERATOR, TASKS},
}
# Its application asks who may read each of its routes, before any of them (plugins/web/sales/health_app.py).
ASKED_AS_A_WHOLE = {"/zakaz"}
# Served to everybody: files of the page, which hold no data.
WITHOUT_RIGHTS = {"/call_export/ui/static/{version}/{name:path}", "/call_export/ui/{page:path}"}
ACTIONS = {"GET": "can_read", "POST": "can_create", "PUT": "can_edit"}  # as FAB names what a method does
HAVE_A_RIGHT = {role for role, given in ROLES.items() if {(ACTIONS[m], r) for m, r in FAB_PERMISSIONS.values()} & given}
SCORES = {path: f"/callcenter{path}" for _, path in routes_and_rights(quality_routes.router.routes)}
for (method, path), right in {**routes_and_rights(), **routes_and_rights(quality_routes.router.routes)}.items():
    needed = FAB_PERMISSIONS[right] if right else None
    have = HAVE_A_RIGHT if needed is None else {r for r in ROLES if (ACTIONS[needed[0]], needed[1]) in ROLES[r]}
    at = SCORES.get(path, f"/call_export{path}")  # scores for programs; the call browser's
    ALLOWED[(method, example(at))] = {"Admin"} | have
BODIES: dict[tuple[str, str], Any] = {
    **{
        (method, path): {}
        for method, path in ALLOWED
        if ("/ui/api/" in path or "/quality/" in path) and method in ("POST", "PUT")
    },
    ("PATCH", f"{RUN}/none"): {"note": "seen"},
    ("POST", f"{RUN}/none/clear"): {"dry_run": True},
    ("PATCH", f"{RUN}/none/taskInstances/approve/-1/hitlDetails"): ANSWER,
    ("PATCH", f"{ERASE}/none/taskInstances/approve/-1/hitlDetails"): ANSWER,
    ("POST", RUN): NEW_RUN,
    ("POST", ERASE): NEW_RUN,
    ("POST", "/call_export/runs"): {"period_from": "not a day"},
}


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, dict[str, int]]]:
    """`{"GET /path": {role: status}}`, by a prepared system whose auth manager is FAB."""
    root = server_folder("call-export-fab-")
    for name in ("dags", "plugins", "include", "ops"):
        (root / name).symlink_to(REPOSITORY / name)
    runtime = Runtime("main", root)
    runtime.make()
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        write_private(
            runtime.env_file,
            "B24_BASE_URL=https://portal.example\nB24_WEBHOOK_USER_ID=1\nB24_WEBHOOK_TOKEN=token\nAUTH_MANAGER=fab\n"
            "QUALITY_ENABLED=true\n",
        )
        settings, keys = load_settings(runtime.env_file), generated(runtime)
        databases = postgres.start(settings, runtime, keys)
        try:
            environment = process_environment(settings, runtime, keys, databases)
            prepare(settings, runtime, databases, environment, SILENT)
            routes = [[*route, BODIES.get(route)] for route in ALLOWED]
            asked = json.dumps({"routes": routes, "roles": ["Admin", *ROLES]})
            yield _matrix(environment, asked)
        finally:
            postgres.stop(runtime)
            shutil.rmtree(root, ignore_errors=True)


def _matrix(environment: dict[str, str], asked: str) -> dict[str, dict[str, int]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fab_matrix.py"))],
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("MATRIX ")]
    assert lines, done.stderr[-4000:]
    found: dict[str, dict[str, int]] = json.loads(lines[0].removeprefix("MATRIX "))
    return found


@pytest.mark.parametrize("route", ALLOWED, ids=" ".join)
def test_a_route_refuses_exactly_the_roles_without_the_right(
    answers: dict[str, dict[str, int]], route: tuple[str, str]
) -> None:
    found = answers[" ".join(route)]
    assert found.pop("nobody") == 401
    assert {role for role, status in found.items() if status != 403} == ALLOWED[route], found
    assert not [status for status in found.values() if status >= 500], found


def test_every_route_of_ours_is_in_the_matrix() -> None:
    """Of every application that the plugin gives to Airflow; the scores' routes are asked with the call browser's."""
    from plugins.airflow_plugin import CallExportPlugin
    from plugins.web.app import app
    from plugins.web.models.models_app import app as models_app
    from plugins.web.sales.health_app import app as sales_app

    apps = {"/call_export": app, "/callcenter": models_app, "/zakaz": sales_app}
    assert {each["url_prefix"] for each in CallExportPlugin.fastapi_apps} <= apps.keys()
    missing = {
        (method, prefix + route.path)
        for prefix, each in apps.items()
        for route in each.routes
        for method in getattr(route, "methods", {"GET"})
        if prefix + route.path not in WITHOUT_RIGHTS
        and (method, example(prefix + route.path)) not in ALLOWED
        and prefix not in ASKED_AS_A_WHOLE
    }
    assert missing == set()


def test_people_who_read_calls_are_not_those_who_change_runs() -> None:
    writes = {("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "HITL Detail")}
    assert not any(ROLES[role] & writes for role in (VIEWER, ANALYST, SUPERVISOR))
