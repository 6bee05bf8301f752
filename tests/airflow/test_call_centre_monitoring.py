"""Alerts and dashboard of the call centre against a real Prometheus and Alertmanager that read the real page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict
from starlette.applications import Starlette
from starlette.routing import Mount

from include.call_centre.state.quality_people import Scope
from include.call_centre.steps.judge_score import Person, open_dispute
from include.call_centre.steps.score_prompt import PROMPT_VERSION
from include.calls.names import METRICS_CONN, STATE_CONN
from include.clients.language_models.routing_state import RoutingState
from include.common import names as common
from plugins.web.models.models_app import app
from simulators.kit.in_process import running
from tests.airflow.monitored import FILES, Pager, Prometheus, alertmanager, needs_prometheus, prometheus, seldom
from tests.kit.scored_calls import Scored, judges, with_texts

pytestmark = [pytest.mark.long, pytest.mark.postgres, *needs_prometheus]

TOKEN = "a-token-of-this-test"
JOB = "callcenter"
RULES = FILES / "rules" / "call_centre.yml"
ALERTS = {rule["alert"] for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]}
DASHBOARD = FILES / "grafana" / "dashboards" / "call_centre.json"
ASKED = ("anthropic-small", "openai-small", "deepseek")
REQUEST = (
    "INSERT INTO llm_requests (task, provider, model, outcome, reason, latency_ms, input_tokens, cached_tokens,"
    " output_tokens, cost, counted_by_service, maybe_paid, failover_from, subject, run_id)"
    " VALUES ('quality_scoring', 'b', 'gpt-5-mini', 'ok', '', 700, 1, 0, 1, %s, true, false, 'a', 's', '')"
)


def hasty_rules() -> str:
    """The rules with shorter times only. Two weeks stay: what is younger than they are is all of them."""
    text = re.sub(r"for: \d+[mh]", "for: 1s", RULES.read_text(encoding="utf-8"))
    return re.sub(r"\[1[hd]\]", "[15s]", text)


@pytest.fixture
def world(database: str) -> Iterator[Scored]:
    with judges(database) as found:
        with_texts(database, 3)
        yield found


@pytest.fixture
def served(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Host and port of `/callcenter`, as the api-server mounts it; three providers have a key and are asked."""
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    state = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    key = {"conn_type": "generic", "password": "a-key"}
    keys = dict.fromkeys((common.LLM_ANTHROPIC_CONN, common.LANGUAGE_MODEL_CONN, common.LLM_DEEPSEEK_CONN), key)
    for name, connection in {STATE_CONN: state, METRICS_CONN: key | {"password": TOKEN}, **keys}.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    with RoutingState.open(database) as routing:
        tasks = {"tasks": {"quality_scoring": {"providers": list(ASKED)}}}
        routing.write(tasks, tasks, based_on=0, actor="analyst", reason="three judges")
    with running(Starlette(routes=[Mount("/callcenter", app)])) as url:
        yield urlsplit(url).netloc


def scraped(server: Prometheus) -> None:
    seldom(lambda: bool(server.query(f'up{{job="{JOB}"}} == 1')), 30, lambda: "nothing was scraped")


def calibrated(connection: psycopg.Connection[Any], provider: str, model: str, *, passed: bool) -> None:
    """Newer figures of a judge."""
    connection.execute(
        "INSERT INTO callcenter.calibration_runs (card, card_hash, prompt_version, provider, model, set_hash, items,"
        " figures, status, calibrated) SELECT card, hash, %s, %s, %s, 'h', 60, %s, %s, %s FROM callcenter.quality_cards"
        " WHERE card = 'operator_default'",
        [
            PROMPT_VERSION,
            provider,
            model,
            json.dumps({"polite": {"kappa": 0.75 if passed else 0.1}}),
            "pass" if passed else "fail",
            ["polite"] if passed else [],
        ],
    )


def test_every_alert_fires_and_resolves(world: Scored, served: str, database: str, tmp_path: Path) -> None:
    world.run()
    pager = Pager()
    with (
        alertmanager(tmp_path, pager) as manager,
        prometheus(tmp_path, served, TOKEN, job=JOB, alertmanager=manager, rules=hasty_rules()) as server,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        connection.execute(REQUEST.encode(), [0.001])
        scraped(server)
        seldom(lambda: bool(server.query("llm_fallbacks_total")), 20, lambda: "no fallback on the page")
        assert pager.heard == []
        provoke(connection)
        seldom(lambda: pager.names("firing") >= ALERTS, 60, lambda: f"silent: {ALERTS - pager.names('firing')}")
        assert ("pagerduty", "LlmProviderMisconfigured", "firing") in pager.heard
        assert ("pagerduty", "LlmProviderExhausted", "firing") not in pager.heard
        texts = json.dumps([alert["annotations"] for alert in pager.alerts], ensure_ascii=False)
        assert "провайдера anthropic-small" in texts
        assert "operator_default.polite" in texts
        assert "<no value>" not in texts
        repair(connection)
        seldom(lambda: pager.names("resolved") >= ALERTS, 90, lambda: f"on: {ALERTS - pager.names('resolved')}")


def provoke(connection: psycopg.Connection[Any]) -> None:
    for provider, state in zip(ASKED, ("misconfigured", "exhausted", "open"), strict=True):
        connection.execute(
            "INSERT INTO llm_provider_state (provider, state, failures, open_until)"
            " VALUES (%s, %s, 5, now() + interval '1 hour')",
            [provider, state],
        )
    for _ in range(20):
        connection.execute(REQUEST.encode(), [0.5])
    connection.execute(
        "INSERT INTO callcenter.quality_runs (run_id, dag_run_id, asked, actor, opened_at)"
        " VALUES (gen_random_uuid(), 'late', '{}', 'analyst', now() - interval '2 days')"
    )
    calibrated(connection, "a", "claude-haiku-5-5", passed=False)
    calibrated(connection, "b", "gpt-5-mini", passed=True)


def repair(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DELETE FROM llm_provider_state")
    connection.execute("UPDATE callcenter.quality_runs SET status = 'completed', finished_at = now()")
    calibrated(connection, "a", "claude-haiku-5-5", passed=True)


def test_every_panel_shows_what_the_database_holds(world: Scored, served: str, database: str, tmp_path: Path) -> None:
    """The dashboard's own queries, run by a Prometheus that scraped before, during and after a run."""
    world.run(limit=1)
    with (
        prometheus(tmp_path, served, TOKEN, job=JOB) as server,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        scraped(server)
        world.run()
        calibrated(connection, "a", "claude-haiku-5-5", passed=True)
        connection.execute("UPDATE callcenter.quality_scores SET needs_review = true WHERE recording_id % 2 = 0")
        ((score_id,),) = world.rows("SELECT min(score_id::text) FROM callcenter.quality_scores")
        with world.services() as (state, _, _):
            by = Person("analyst", Scope())
            open_dispute(score_id, "need", "выяснил", by=by, state=state, policy=world.policy)
        ((left, waiting),) = world.rows(
            "SELECT 50 - (SELECT sum(usd) FROM llm_spending),"
            " (SELECT count(*) FROM callcenter.quality_scores WHERE needs_review)"
        )
        assert waiting > 0
        seldom(
            lambda: (
                server.value("sum(callcenter_quality_scores_total)") == 3
                and server.value("callcenter_disputes_open") == 1
                and server.value("count_over_time(up[1h])") > 15
            ),
            40,
            lambda: "the run was not scraped",
        )
        panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
        shown = {
            panel["title"]: [value for _, value in server.query(target["expr"])]
            for panel in panels
            for target in panel["targets"]
        }
        assert [title for title, values in shown.items() if not values] == []
        assert {title: shown[title] for title in EXACT} == {
            **EXACT, "Ждут человека": [waiting], "Остаток дня": [pytest.approx(float(left))],
        }  # fmt: skip
        for title in RISING:
            assert sum(shown[title]) > 0, title


EXACT: dict[str, list[Any]] = {
    "Оценки, всего": [3],
    "Ждут человека": [],
    "Споры": [1],
    "Балл, середина": [95],  # of three calls between 90 and 100
    "Kappa": [0.75],
    "Оценки без калибровки, доля за сутки": [0],
    "Провайдеры: можно спросить": [1, 1, 1],
    "Остаток дня": [],
    "Не сделано": [0],
}
RISING = ("Запросы в минуту", "Ответ, 95 %", "Деньги за сутки")
