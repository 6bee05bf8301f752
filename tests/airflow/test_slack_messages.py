"""Each occasion is one short Slack message without personal data; Slack can neither fail nor delay a run."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from include.calls.domain.states import RunStatus
from include.calls.state.state import State
from plugins.airflow_kit.slack import LONGEST_SECONDS
from plugins.calls import slack_messages as alerts
from simulators.kit.faults import FaultKind
from simulators.kit.in_process import running
from simulators.slack import SlackSimulator
from tests.kit.state_samples import call, opened

pytestmark = pytest.mark.postgres

VERDICT = "тексты есть у 0 из 1 существующих записей (0,0 %), ошибок 1 (100,0 %), не закончено 0"
PHONE = "+7 (912) 345-67-89"
SLACK_TOKEN = "T0/B0/SECRETSECRET"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch, database: str) -> Iterator[SlackSimulator]:
    """A simulated Slack with Airflow's connection to it, and the connection to the state."""
    simulator = SlackSimulator()
    state = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    connection: dict[str, Any] = {
        "conn_type": "postgres", "host": state.get("host"), "login": state.get("user"),
        "password": state.get("password"), "schema": state["dbname"],
    }  # fmt: skip
    if "port" in state:
        connection["port"] = int(state["port"])
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com")
    with running(simulator) as url:
        hook = {"conn_type": "slackwebhook", "host": f"{url}/services", "password": SLACK_TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", json.dumps(hook))
        yield simulator


@pytest.fixture
def failed(database: str) -> UUID:
    """A run of one recording that ended in error; its DAG run is `dag-1`."""
    with State.open(database) as state:
        run = opened(state, "1", call(1))
        finish(state, run.run_id, RunStatus.ERROR, f"{VERDICT}; звонок с {PHONE}")
    return run.run_id


def finish(state: State, run_id: UUID, status: RunStatus, verdict: str = VERDICT) -> None:
    assert state.runs.finish(run_id, status, verdict=verdict, failed_step=None)


def of_dag_run(name: str, **other: object) -> Any:
    """The part of Airflow's context that the callbacks read."""
    return {"run_id": name, "dag_run": SimpleNamespace(conf=other.pop("conf", {})), **other}


def event(database: str, run_id: UUID | None, name: str, **detail: object) -> None:
    record = ("c", "r") if name == "moved_to_dlq" else (None, None)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)"
            " VALUES (%s, %s, %s, 'test', %s, %s)",
            [run_id, *record, name, Jsonb(detail)],
        )


def sent(database: str) -> list[tuple[str, str]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT event, detail ->> 'kind' FROM call_events WHERE stage = 'notify' ORDER BY id"
        ).fetchall()


def test_a_failed_run_is_reported_once(slack: SlackSimulator, failed: UUID, database: str) -> None:
    alerts.run_failed(of_dag_run("dag-1"))
    alerts.run_failed(of_dag_run("dag-1"))
    (message,) = [message["text"] for message in slack.messages]
    assert "Выгрузка не удалась" in message
    assert "Период 2025-08-01 00:00 — 2025-08-31 23:59 UTC" in message
    assert VERDICT in message
    assert "готово 0 из 1 записей" in message
    assert "<https://airflow.example.com/dags/call_export/runs/dag-1|Открыть в Airflow>" in message
    calls = f"https://airflow.example.com/plugin/calls#run_id={failed}&amp;days=all"
    assert f"<{calls}|Звонки запуска>" in message, "the link names the run by its id alone"
    assert str(failed) in message
    assert sent(database) == [("notified", "run_failed")]


def test_no_phone_number_reaches_slack(slack: SlackSimulator, failed: UUID) -> None:
    alerts.run_failed(of_dag_run("dag-1"))
    assert "345-67-89" not in slack.messages[0]["text"]


def test_a_second_failure_after_a_resume_is_a_new_occasion(slack: SlackSimulator, failed: UUID, database: str) -> None:
    alerts.run_failed(of_dag_run("dag-1"))
    with State.open(database) as state:
        state.runs.move(failed, RunStatus.RUNNING, expected={RunStatus.ERROR}, stage="open_run", worker="dag-2")
        finish(state, failed, RunStatus.ERROR, "снова")
    resuming = of_dag_run("dag-2", conf={"resume_run_id": str(failed)})
    alerts.run_failed(resuming)
    assert len(slack.messages) == 2
    assert "снова" in slack.messages[1]["text"]
    assert "runs/dag-2|" in slack.messages[1]["text"], "the DAG run to look at"


def test_a_refused_resume_does_not_blame_the_run(slack: SlackSimulator, failed: UUID) -> None:
    """The run ended in its own DAG run, or still works there; the one that failed was refused."""
    alerts.run_failed(of_dag_run("dag-2", conf={"resume_run_id": str(failed)}))
    (message,) = slack.messages
    assert "в его заметке" in message["text"]
    assert VERDICT not in message["text"]


def test_an_abandoned_run_is_reported_by_its_end(slack: SlackSimulator, failed: UUID, database: str) -> None:
    """Airflow calls no callback for a DAG run that a person has ended."""
    with State.open(database) as state:
        good = opened(state, "2", call(2))
        finish(state, good.run_id, RunStatus.COMPLETED)
    for _ in range(2):
        alerts.run_settled(failed, "dag-1", VERDICT)
        alerts.run_settled(good.run_id, "dag-2", VERDICT)
    failure, ready = [message["text"] for message in slack.messages]
    assert "Выгрузка не удалась" in failure
    assert VERDICT in failure
    assert "Отчёт и реестр готовы" in ready


def test_a_run_that_never_opened_is_reported(slack: SlackSimulator, database: str) -> None:
    alerts.run_failed(of_dag_run("manual__2025-08-01T00:00:00+00:00"))
    assert "в его заметке" in slack.messages[0]["text"]
    assert "runs/manual__2025-08-01T00%3A00%3A00%2B00%3A00|" in slack.messages[0]["text"]


def test_a_completed_run_announces_its_report(slack: SlackSimulator, database: str) -> None:
    with State.open(database) as state:
        run = opened(state, "1", call(1))
        finish(state, run.run_id, RunStatus.COMPLETED)
    for _ in range(2):
        alerts.run_closed(of_dag_run("dag-1"), run.run_id, VERDICT)
    (message,) = slack.messages
    assert "Отчёт и реестр готовы" in message["text"]
    assert VERDICT in message["text"]


def test_a_cancelled_run_is_reported_once(slack: SlackSimulator, database: str) -> None:
    with State.open(database) as state:
        run = opened(state, "1", call(1))
        finish(state, run.run_id, RunStatus.CANCELLED)
    for _ in range(2):
        alerts.run_closed(of_dag_run("dag-1"), run.run_id, "расход до 12.00 USD не согласован в срок")
    (message,) = slack.messages
    assert "Выгрузка отменена" in message["text"]
    assert "не согласован в срок" in message["text"]


def test_a_dry_run_and_a_failed_run_have_no_report_to_announce(
    slack: SlackSimulator, failed: UUID, database: str
) -> None:
    with State.open(database) as state, psycopg.connect(database, autocommit=True) as connection:
        dry = opened(state, "2")
        connection.execute("UPDATE call_exports SET dry_run = true WHERE run_id = %s", [dry.run_id])
        finish(state, dry.run_id, RunStatus.COMPLETED)
    alerts.run_closed(of_dag_run("dag-1"), failed, VERDICT)
    alerts.run_closed(of_dag_run("dag-2"), dry.run_id, VERDICT)
    assert slack.messages == []


def test_the_dlq_is_reported_by_its_growth(slack: SlackSimulator, failed: UUID, database: str) -> None:
    for _ in range(3):
        event(database, failed, "moved_to_dlq")
    alerts.run_closed(of_dag_run("dag-1"), failed, VERDICT)
    alerts.run_closed(of_dag_run("dag-1"), failed, VERDICT)
    event(database, failed, "moved_to_dlq")
    alerts.run_closed(of_dag_run("dag-1"), failed, VERDICT)
    assert ["записей: 3" in slack.messages[0]["text"], "записей: 1" in slack.messages[1]["text"]] == [True, True]
    assert len(slack.messages) == 2


def test_low_rate_is_reported_once_while_it_lasts(slack: SlackSimulator, failed: UUID, database: str) -> None:
    event(database, None, "low_rate_on", reason="refusals", until=str(datetime.now(UTC) - timedelta(minutes=1)))
    alerts.low_rate_switched(of_dag_run("dag-1"), failed)
    assert slack.messages == []
    for _ in range(11):
        event(database, None, "portal_refused", code="QUERY_LIMIT_EXCEEDED")
    event(database, None, "low_rate_on", reason="refusals", until=str(datetime.now(UTC) + timedelta(minutes=15)))
    for _ in range(2):
        alerts.low_rate_switched(of_dag_run("dag-1"), failed)
    (message,) = slack.messages
    assert "Щадящий режим" in message["text"]
    assert "отказов портала за 15 минут: 11" in message["text"]


def test_an_approval_is_asked_for_with_its_own_link(slack: SlackSimulator, failed: UUID) -> None:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    asking = SimpleNamespace(id="ti-1", dag_id="call_export", run_id="dag-1", task_id="approve", map_index=-1)
    operator = ApprovalOperator(
        task_id="approve", subject="Потратить до 81,50 USD? Бюджет 54,00 USD", notifiers=[alerts.ApprovalWanted()]
    )
    context = of_dag_run("dag-1", task=operator, task_instance=asking, ti=asking)
    for notifier in [*operator.notifiers, *operator.notifiers]:
        notifier(context)
    (message,) = slack.messages
    assert "Потратить до 81,50 USD? Бюджет 54,00 USD" in message["text"]
    assert "/dags/call_export/runs/dag-1/tasks/approve/required_actions" in message["text"]


@pytest.mark.usefixtures("failed")
class TestDeadline:
    def missed(self, state: str) -> str:
        context = {
            "dag_run": {"dag_run_id": "dag-1", "state": state, "conf": {}},
            "deadline": {"deadline_time": "2025-08-31T08:00:00Z"},
        }
        return asyncio.run(alerts.deadline_missed(context))

    def test_a_running_run_is_reported_once(
        self, slack: SlackSimulator, database: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        assert [self.missed("running"), self.missed("running")] == ["sent", "sent"]
        (message,) = slack.messages
        assert "не закончилась к сроку 2025-08-31 08:00 UTC" in message["text"]
        assert "готово 0 из 1 записей" in message["text"]
        assert sent(database) == [("notified", "deadline_missed")]
        assert SLACK_TOKEN not in caplog.text

    def test_a_run_that_has_ended_is_not_late(self, slack: SlackSimulator) -> None:
        assert self.missed("failed") == "skipped: the run has ended"
        assert slack.messages == []


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (FaultKind.HANG, {}),
        (FaultKind.DROP_CONNECTION, {}),
        (FaultKind.STATUS, {"status": 500, "body": "no"}),
        (FaultKind.STATUS, {"status": 403, "body": "invalid_token"}),
    ],
    ids=["hangs", "drops", "fails", "refuses"],
)
def test_a_failing_slack_costs_a_run_five_seconds_once(
    slack: SlackSimulator, failed: UUID, database: str, caplog: pytest.LogCaptureFixture, fault: FaultKind, options: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.faults.add("slack", fault, times=-1, **options)
    began = time.monotonic()
    alerts.run_failed(of_dag_run("dag-1"))
    alerts.run_failed(of_dag_run("dag-1"))
    assert time.monotonic() - began < LONGEST_SECONDS + 2
    assert sent(database) == [("not_notified", "run_failed")]
    assert SLACK_TOKEN not in caplog.text


def test_without_slack_the_database_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SLACK", raising=False)
    monkeypatch.setenv(
        "AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1})
    )
    alerts.run_failed(of_dag_run("dag-1"))


def test_a_database_that_is_down_fails_no_run(slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1})
    )
    alerts.run_failed(of_dag_run("dag-1"))
    assert slack.messages == []
