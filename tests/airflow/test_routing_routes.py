"""The routes of the language models: who may, what a change needs, what is shown. Airflow's own checks answer for
rights.
"""

import importlib
import json
import sys
from typing import Any

import psycopg
import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg.conninfo import conninfo_to_dict

from include.calls import names as calls
from include.clients.language_models.question import Outcome
from include.clients.language_models.routing_state import RoutingState
from include.common import names as common
from plugins.web.models import routing_routes
from plugins.web.models.models_app import app

pytestmark = pytest.mark.postgres
CHANGE = {"config": {"tasks": {"call_summary": {"wait_seconds": 5}}}, "reason": "slower is fine"}


class Person:
    def get_name(self) -> str:
        return "analyst"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, database: str) -> TestClient:
    """A person who may: the dependencies that ask Airflow are answered for each route."""
    where: dict[str, Any] = dict(conninfo_to_dict(database))
    conn = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    monkeypatch.setenv(f"AIRFLOW_CONN_{calls.STATE_CONN.upper()}", json.dumps(conn))
    key = {"conn_type": "generic", "password": "sk-ant-secret"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{common.LLM_ANTHROPIC_CONN.upper()}", json.dumps(key))
    allowed = {depends.dependency: lambda: None for depends in (routing_routes.may_read, routing_routes.may_change[0])}
    monkeypatch.setattr(app, "dependency_overrides", {**allowed, get_user: Person})
    return TestClient(app)


def change(client: TestClient, version: int, **other: Any) -> Any:
    return client.patch("/llm/config", json=CHANGE | other, headers={"If-Match": f'"{version}"'})


def test_a_change_is_a_version_with_author_and_reason(client: TestClient) -> None:
    assert client.get("/llm/config").json()["version"] == 0
    answer = change(client, 0)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["version"], shown["actor"], shown["reason"]) == (1, "analyst", "slower is fine")
    fields = {each["field"]: (each["value"], each["source"]) for each in shown["fields"]}
    assert fields["tasks.call_summary.wait_seconds"] == (5, "api")
    assert fields["tasks.call_summary.providers"][1] == "file", "a change of one field keeps the others"


def test_of_two_people_the_second_learns_of_the_first(client: TestClient) -> None:
    assert change(client, 0).status_code == 200
    refused = change(client, 0)
    assert refused.status_code == 409
    assert "analyst" in refused.json()["detail"]


@pytest.mark.parametrize(
    "config",
    [
        {"tasks": {"call_summary": {"providers": ["nowhere"]}}},
        {"providers": {"local": {"connection": "whisper"}}},
        {"providers": {"local": {"key": "sk-1"}}},
        {"enabled": False},
    ],
)
def test_a_table_that_cannot_be_used_changes_nothing(client: TestClient, database: str, config: dict[str, Any]) -> None:
    refused = change(client, 0, config=config)
    assert refused.status_code == 422
    assert "sk-1" not in refused.text
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM llm_routing_versions").fetchone() == (0,)


def test_a_change_names_the_version_that_was_read(client: TestClient) -> None:
    assert client.patch("/llm/config", json=CHANGE).status_code == 422
    assert change(client, 0, reason="").status_code == 422


def test_versions_stay(client: TestClient, database: str) -> None:
    change(client, 0)
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute("DELETE FROM llm_routing_versions")


def test_providers_are_shown_as_they_are_and_reset_by_a_person(client: TestClient, database: str) -> None:
    with RoutingState.open(database) as state:
        state.out_of_service("anthropic-small", Outcome.EXHAUSTED, "f", "billing_error")
    shown = {each["provider"]: each for each in client.get("/llm/providers").json()}
    assert (shown["anthropic-small"]["state"], shown["anthropic-small"]["reason"]) == ("exhausted", "billing_error")
    assert 0 < shown["anthropic-small"]["seconds"] <= 24 * 3600
    assert shown["gemini"]["state"] == "keyless"
    assert "sk-ant-secret" not in client.get("/llm/providers").text
    assert client.post("/llm/providers/anthropic-small/reset").json() == {"changed": True}
    assert client.post("/llm/providers/anthropic-small/reset").json() == {"changed": False}
    with psycopg.connect(database) as connection:
        moved = connection.execute("SELECT state, actor FROM llm_provider_changes ORDER BY change_id").fetchall()
    assert moved[-1] == ("closed", "analyst")


def test_the_day_s_ceiling_can_be_raised_only(client: TestClient) -> None:
    assert client.post("/llm/day", json={"usd": "80"}).json() == {"allowed_usd": "80.000000"}
    assert client.post("/llm/day", json={"usd": "10"}).json() == {"allowed_usd": "80.000000"}
    assert client.post("/llm/day", json={"usd": "-1"}).status_code == 422


def test_a_foreign_page_changes_nothing(client: TestClient) -> None:
    for site in ("cross-site", "same-site", "none"):
        headers = {"Sec-Fetch-Site": site, "If-Match": "0"}
        assert client.patch("/llm/config", json=CHANGE, headers=headers).status_code == 403
        assert client.post("/llm/providers/local/reset", headers=headers).status_code == 403


def test_each_route_asks_airflow(client: TestClient) -> None:
    """Plugin apps are anonymous until told otherwise: a route without a check would be open to every visitor."""
    application: FastAPI = app
    for route in routing_routes.router.routes:
        checks = {each.dependency for each in route.dependencies}  # type: ignore[attr-defined]
        reads = route.methods == {"GET"}  # type: ignore[attr-defined]
        wanted = (
            {routing_routes.may_read.dependency} if reads else {each.dependency for each in routing_routes.may_change}
        )
        assert wanted <= checks, route
    assert application.docs_url is None


def test_an_installation_that_scores_no_call_imports_nothing_of_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call browser and the language models are served without."""
    monkeypatch.setattr("include.call_centre.schedule.IS_CONFIGURED", False)
    scores = ("plugins.web.call_centre.quality_routes", "include.call_centre.domain.evidence")
    serving = ("plugins.web.models.models_app", "plugins.web.calls.browser_api.routes")
    for name in (*scores, *serving):
        parent, _, last = name.rpartition(".")
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(importlib.import_module(parent), last, None, raising=False)
        monkeypatch.delattr(importlib.import_module(parent), last)
    models_app, routes = (importlib.import_module(name) for name in serving)
    paths = [route.path for route in (*models_app.app.routes, *routes.router.routes)]
    assert "/llm/config" in paths
    assert "/ui/api/search" in paths
    assert [path for path in paths if "quality" in path] == []
    assert not set(scores) & set(sys.modules)
