"""The routes under /call_export, and Slack messages from tasks, triggerer and DAG processor."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from include.calls.domain.run_ids import run_id_of
from include.calls.names import DAG_ID
from ops.settings.generated_secrets import generated
from simulators.kit.faults import FaultKind
from tests.airflow.monitored import FILES, needs_prometheus, prometheus, seldom
from tests.airflow.system import MORE_DAYS, System, eventually

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900)]

DAY = MORE_DAYS[2]
HISTORY = """
    SELECT count(*) FILTER (WHERE call_id IS NULL AND event IN ('completed', 'error', 'cancelled')) AS ended,
           count(*) FILTER (
               WHERE call_id IS NOT NULL AND event = 'completed' AND NOT detail ? 'same_bytes_as') AS texts,
           (SELECT coalesce(sum(usd), 0) FROM charges) AS cost
      FROM call_events
"""


@pytest.fixture
def endpoint(system: System) -> Iterator[System]:
    """The system; afterwards its list of runs must be unchanged: a refused request creates nothing."""
    before = [run["dag_run_id"] for run in system.dag_runs()]
    yield system
    assert [run["dag_run_id"] for run in system.dag_runs()] == before


def slack_says(system: System, *words: str) -> list[str]:
    return [message["text"] for message in system.slack.messages if all(word in message["text"] for word in words)]


class TestMetrics:
    def test_without_a_token_they_are_refused(self, system: System) -> None:
        assert system.call("GET", "metrics").status_code == 401
        assert system.call("GET", "metrics", token="guessed").status_code == 403
        assert system.call("POST", "runs", {}).status_code == 401
        assert system.call("POST", "runs", {}, token=generated(system.runtime).metrics_token).status_code == 403

    @pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
    def test_there_are_no_open_pages(self, system: System, path: str) -> None:
        assert system.call("GET", path).status_code == 404

    @pytest.mark.parametrize("whose", ["prometheus", "administrator"])
    def test_who_may_read_them_reads_prometheus_format(self, system: System, whose: str) -> None:
        token = generated(system.runtime).metrics_token if whose == "prometheus" else system.user_token
        answer = system.call("GET", "metrics", token=token)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {
            "call_export_runs", "call_transcripts", "call_export_duration_seconds", "call_transcription_minutes",
            "call_export_cost", "call_export_retry", "call_export_qa_checked",
            "call_export_qa_recordings",
        } <= names  # fmt: skip

    def test_the_token_is_in_a_file_of_the_owner_alone(self, system: System) -> None:
        file = system.runtime.home / "metrics_token"
        assert file.read_text() == generated(system.runtime).metrics_token
        assert oct(file.stat().st_mode & 0o777) == "0o600"


class TestStartingRuns:
    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({"period_from": "2025-08-02", "period_to": "2025-08-01"}, "period_from '2025-08-02' is after period_to"),
            ({"period_from": "2099-01-01"}, "period_from '2099-01-01' is in the future"),
            ({"period_from": "2025-01-01", "period_to": "2025-08-01"}, "longer than 90 days"),
            ({"period_from": "01.08.2025"}, "period_from '01.08.2025' is no date"),
            ({"dry_run": "yes"}, "dry_run: Input should be a valid boolean"),
            ({"limit_calls": -1}, "limit_calls: Input should be greater than or equal to 0"),
            ({"dryrun": True}, "dryrun: Extra inputs are not permitted"),
            ({"idempotency_key": "k" * 129}, "idempotency_key: String should have at most 128 characters"),
            ({"resume_run_id": "17"}, "resume_run_id: Input should be a valid UUID"),
            ({"resume_run_id": "00000000-0000-0000-0000-000000000000"}, "there is no run"),
            ({"replay_dlq": True}, "replay_dlq goes with resume_run_id"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_an_impossible_request_is_a_422_and_creates_no_run(
        self, endpoint: System, body: dict[str, Any], says: str
    ) -> None:
        answer = endpoint.call("POST", "runs", body, token=endpoint.user_token)
        assert answer.status_code == 422, answer.text
        assert says in answer.json()["detail"]
        assert "\n" not in answer.json()["detail"]

    def test_two_different_keys_at_once_are_a_mistake(self, endpoint: System) -> None:
        answer = endpoint.call(
            "POST", "runs", {"idempotency_key": "a"}, token=endpoint.user_token, **{"Idempotency-Key": "b"}
        )
        assert answer.status_code == 422
        assert "give one of them" in answer.json()["detail"]

    def test_a_switched_off_dag_is_a_409(self, endpoint: System) -> None:
        endpoint.api("PATCH", f"dags/{DAG_ID}", {"is_paused": True})
        try:
            answer = endpoint.call("POST", "runs", {"period_from": DAY, "period_to": DAY}, token=endpoint.user_token)
        finally:
            endpoint.api("PATCH", f"dags/{DAG_ID}", {"is_paused": False})
        assert answer.status_code == 409
        assert "unpause it there" in answer.json()["detail"]


def test_a_late_run_from_the_request_to_its_report(system: System) -> None:
    """One key is one run at any time; Slack reports the missed deadline while the run goes on, then the report.

    The deadline is moved to a few seconds from now in Airflow's own table; everything from there on is real.
    """
    # Shorter than the client waits for a response.
    held = system.recogniser.faults.add("transcriptions", FaultKind.DELAY, times=4, seconds=55)
    body = {"period_from": DAY, "period_to": DAY, "idempotency_key": "ночной/прогон"}  # a header carries no Cyrillic
    first = system.call("POST", "runs", body, token=system.user_token)
    assert first.status_code == 201, first.text
    started = first.json()
    name = started["dag_run_id"]
    assert (started["status"], started["created"]) == ("pending", True)
    assert (started["period_from"], started["period_to"]) == (f"{DAY}T00:00:00Z", f"{DAY}T23:59:59Z")
    assert started["run_id"] == str(run_id_of(name))
    eventually(lambda: again(system, body) == (200, name, "running"), 120, "the run has not begun")
    bring_deadline_near(system, name)
    eventually(lambda: bool(slack_says(system, "не закончилась к сроку", f"runs/{name}|")), 120, "no message")
    assert system.dag_run(name)["state"] == "running"
    held.seconds = 0
    assert system.ended(name)["state"] == "success"
    assert again(system, body) == (200, name, "completed")
    assert len([run for run in system.dag_runs() if run["dag_run_id"] == name]) == 1
    eventually(lambda: bool(slack_says(system, "Отчёт и реестр готовы", started["run_id"])), 10, "no report announced")
    assert len(slack_says(system, f"runs/{name}|")) == 2, "each once"


def again(system: System, body: dict[str, Any]) -> tuple[int, str, str]:
    answer = system.call("POST", "runs", body, token=system.user_token)
    assert answer.json()["created"] is False
    return answer.status_code, answer.json()["dag_run_id"], answer.json()["status"]


def bring_deadline_near(system: System, dag_run_id: str) -> None:
    with psycopg.connect(system.databases.metadata_url, autocommit=True) as connection:
        moved = connection.execute(
            "UPDATE deadline SET deadline_time = now() + interval '3 seconds'"
            " WHERE dagrun_id = (SELECT id FROM dag_run WHERE run_id = %s)",
            [dag_run_id],
        )
        assert moved.rowcount == 1


def test_a_run_that_failed_before_it_opened_is_reported(system: System) -> None:
    dag_run_id = system.trigger(period_from="2025-08-02", period_to="2025-08-01").json()["dag_run_id"]
    assert system.ended(dag_run_id)["state"] == "failed"
    name = quote(dag_run_id, safe="")
    eventually(lambda: bool(slack_says(system, "Выгрузка не удалась", f"runs/{name}|")), 60, "no message")


@pytest.mark.long
class TestPrometheus:
    pytestmark = needs_prometheus

    def test_it_scrapes_the_running_system_and_every_panel_has_data(self, system: System, tmp_path: Path) -> None:
        """With the product's own prometheus.yml; SQL over the same history gives the same numbers."""
        assert system.running is not None
        token = generated(system.runtime).metrics_token
        text = system.call("GET", "metrics", token=token).text
        names = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
        with prometheus(tmp_path, urlsplit(system.running.url).netloc, token) as server:
            seldom(
                lambda: len(server.query('count_over_time(up{job="call_export"}[1m]) > 4')) > 0,
                120,
                lambda: "no scrape",
            )
            assert server.value('up{job="call_export"}') == 1
            assert [name for name in sorted(names) if not server.query(name)] == []
            queries = [
                target["expr"]
                for file in (FILES / "grafana" / "dashboards").glob("call_export_*.json")
                for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
                for target in panel["targets"]
                if 'status="running"' not in target["expr"]  # nothing runs now
                and "stt_smoke_" not in target["expr"]  # no smoke run is made here; test_monitoring.py has some
            ]
            assert len(queries) > 25
            assert [query for query in queries if not server.query(query)] == []
            (counted,) = system.rows(HISTORY)
            assert server.value("sum(call_export_runs_total)") == counted["ended"] > 0
            assert server.value('call_transcripts_total{status="completed"}') == counted["texts"] > 0
            assert server.value('call_export_cost_total{kind="recognition"}') == pytest.approx(float(counted["cost"]))
