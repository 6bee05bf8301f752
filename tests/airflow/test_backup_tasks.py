"""The tasks of `call_backup` over real connections, databases and folders; Airflow itself is not needed."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from psycopg.conninfo import conninfo_to_dict

from include.calls.names import BACKUP_DAG_ID
from include.clients.postgresql.scratch import name_of
from include.clients.storage.local import LocalStorage
from include.common.sealing import new_key
from plugins.calls import backup_tasks, task_context
from plugins.hooks.second_place import open_place

pytestmark = pytest.mark.postgres

CONTEXT: Any = {
    "dag_run": SimpleNamespace(dag_id=BACKUP_DAG_ID, run_id="night"),
    "ti": SimpleNamespace(task_id="back_up"),
}


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    hook = SimpleNamespace(set_note=lambda _dag, _run, text: found.append(text))
    monkeypatch.setattr(task_context, "AirflowApiHook", lambda: hook)
    return found


@pytest.fixture
def second(database: str, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the second place; every connection as the launcher makes it."""
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    extra = {"path": str(tmp_path / "second"), "secret_key_of_backups": new_key(), "settings": {"S3_BUCKET": "calls"},
             "airflow_database": name_of(empty_database)}  # fmt: skip
    connections = {
        "DB": {"conn_type": "postgres", "host": parts["host"], "login": parts["user"], "schema": parts["dbname"]},
        "STORAGE": {"conn_type": "fs", "extra": {"path": str(tmp_path / "storage")}},
        "BACKUP": {"conn_type": "fs", "extra": extra},
    }
    for name, connection in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_CALL_EXPORT_{name}", json.dumps(connection))
    LocalStorage(tmp_path / "storage").put_bytes("raw/2026/11/28/call_1.mp3", b"1", "")
    return tmp_path / "second"


def test_a_night_is_saved_verified_and_rotated(second: Path, database: str, notes: list[str]) -> None:
    backup_id = backup_tasks.back_up(CONTEXT)
    backup_tasks.verify(CONTEXT, backup_id)
    assert backup_tasks.rotate(CONTEXT) == 0
    backup_tasks.drill(CONTEXT)
    assert ["все таблицы совпали; прочитано файлов — 1" in text for text in notes] == [True, True]
    assert open_place().resolve("latest") == backup_id
    with psycopg.connect(database) as state:
        assert state.execute("SELECT reason, verified_at IS NOT NULL FROM backups").fetchall() == [("schedule", True)]


def test_a_damaged_backup_fails_at_once_and_says_why(second: Path, notes: list[str]) -> None:
    backup_id = backup_tasks.back_up(CONTEXT)
    part = second / "backups" / backup_id / "airflow.age"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(AirflowFailException):
        backup_tasks.verify(CONTEXT, backup_id)
    assert f"Копия {backup_id} не годится" in notes[0]
    assert "airflow.age" in notes[0]


def test_without_a_second_place_the_run_is_skipped_and_says_so(notes: list[str]) -> None:
    for task in (backup_tasks.back_up, backup_tasks.drill):
        with pytest.raises(AirflowSkipException):
            task(CONTEXT)
    assert ["BACKUP_URL" in text for text in notes] == [True, True]
