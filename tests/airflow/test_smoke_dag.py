"""The DAG `stt_smoke`: its shape, and what its tasks do without a running Airflow."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from psycopg.conninfo import conninfo_to_dict

from include.calls.names import STATE_CONN, STORAGE_CONN
from include.common.errors import BadInput
from include.common.names import RECOGNISER_POOL, SLACK_CONN
from include.smoke.names import DAG_ID, FOLDER, STUB_SERVICE
from ops.settings.profile import REPOSITORY
from plugins.smoke import slack_messages, tasks
from simulators.kit.in_process import running
from simulators.slack import SlackSimulator
from simulators.sound.hearing_recogniser import HearingRecogniser
from tests.kit.small_world import by_sql

pytestmark = pytest.mark.postgres

DEMO = "playlists/smoke_demo/playlist.yaml"
RUN = "manual__2026-11-28T10:00:00+00:00"
PARAMS: dict[str, Any] = {"playlist": DEMO, "engines": [], "fresh": False, "limit": 2}


@pytest.fixture(scope="module")
def dag() -> DAG:
    found: DAG = DagBag(str(REPOSITORY / "dags" / "smoke")).dags[DAG_ID]
    return found


def test_batches_are_mapped_in_the_recognisers_pool(dag: DAG) -> None:
    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == {
        "prepare": {"recognise"},
        "recognise": {"compare"},
        "compare": {"report"},
        "report": set(),
    }
    recognise = dag.get_task("recognise")
    assert recognise.is_mapped
    assert recognise.pool == RECOGNISER_POOL
    assert dag.schedule is None


def test_the_manual_explains_each_parameter(dag: DAG) -> None:
    assert dag.doc_md is not None
    assert sorted(dag.params) == sorted(PARAMS)
    for param in dag.params:
        assert f"`{param}`" in dag.doc_md


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> Iterator[HearingRecogniser]:
    server = HearingRecogniser("gpt-transcribe")
    with running(server) as url:
        state: dict[str, Any] = dict(conninfo_to_dict(database))
        connections = {
            STATE_CONN: {
                "conn_type": "postgres",
                "schema": state.pop("dbname"),
                "login": state.pop("user", None),
                "extra": state,
            },
            STUB_SERVICE: {"conn_type": "recogniser", "host": f"{url}/v1"},
            STORAGE_CONN: {"conn_type": "fs", "extra": {"path": str(tmp_path)}},
        }
        for conn_id, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        monkeypatch.setattr(tasks, "load_run_policy", _policy)
        monkeypatch.setattr(tasks, "load_run_smoke_policy", _smoke_policy)
        yield server


def _policy() -> Any:
    from include.calls.policy import load_policy

    return load_policy({})


def _smoke_policy() -> Any:
    from include.smoke.policy import load_smoke_policy

    return load_smoke_policy({})


def context(**params: Any) -> Any:
    return {"params": PARAMS | params, "dag_run": SimpleNamespace(run_id=RUN), "run_id": RUN}


def test_the_tasks_judge_a_playlist(hearing: HearingRecogniser, database: str, tmp_path: Path) -> None:
    batches = tasks.prepare(context(limit=6))
    assert batches == [{"engine": "stub", "first": 0}, {"engine": "stub", "first": 5}]
    assert [tasks.recognise(context(limit=6), batch) for batch in batches] == [0, 0]
    found = tasks.compare(context(limit=6))
    assert (found["failed"], found["total"]) == (0, 6)
    assert Path(tasks.report(context(), found)).read_text(encoding="utf-8").startswith("**Это имитация")
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]
    assert by_sql(database, "SELECT status, count(*) FROM stt_smoke_results GROUP BY 1") == [("success", 6)]
    sent = len(hearing.sent)
    assert [tasks.recognise(context(limit=6), batch) for batch in batches] == [0, 0]
    assert len(hearing.sent) == sent, "a retried task buys nothing again"


def test_a_missed_threshold_makes_the_run_red(
    hearing: HearingRecogniser, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack hears of it once: the callback of a failed run adds nothing to the verdict."""
    hearing.mistakes = 0.5
    (batch,) = tasks.prepare(context())
    assert tasks.recognise(context(), batch) == 2
    found = tasks.compare(context())
    with running(slack := SlackSimulator()) as url:
        hook = {"conn_type": "slackwebhook", "host": f"{url}/services", "password": "T0/B0/SECRET"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{SLACK_CONN.upper()}", json.dumps(hook))
        with pytest.raises(AirflowFailException, match="2 of 2"):
            tasks.report(context(), found)
        slack_messages.run_failed(context())
        slack_messages.run_failed({**context(), "run_id": "another"})
    first, second = (message["text"] for message in slack.messages)
    assert "Проверка распознавателя не пройдена" in first
    assert "stub: не прошли 2 из 2, WER " in first
    assert f"/dags/{DAG_ID}/runs/manual__2026" in first
    assert "Проверка распознавателя не состоялась" in second
    kinds = by_sql(database, "SELECT detail ->> 'kind' FROM call_events WHERE event = 'notified'")
    assert kinds == [("stt_smoke",)] * 2


def test_an_engine_without_a_connection_is_refused_before_any_work(
    hearing: HearingRecogniser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The demo's playlist names the imitation, which only `make stt-smoke` starts."""
    monkeypatch.delenv(f"AIRFLOW_CONN_{STUB_SERVICE.upper()}")
    with pytest.raises(BadInput, match="engine stub has no connection") as refused:
        tasks.prepare(context())
    assert refused.value.problem == "smoke_without_connection"
    assert list(tmp_path.iterdir()) == []


def test_a_playlist_outside_of_the_systems_folder_is_refused(hearing: HearingRecogniser, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "playlists" / "smoke_demo", tmp_path / "playlist")
    for name in (str(tmp_path / "playlist" / "playlist.yaml"), "../playlist.yaml"):
        with pytest.raises(BadInput) as refused:
            tasks.prepare(context(playlist=name))
        assert refused.value.problem == "playlist_outside"
    assert hearing.sent == []
