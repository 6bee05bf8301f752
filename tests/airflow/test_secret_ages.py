"""Whether a secret has changed is known without the secret; connections may come from a secrets backend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from include.calls.steps.note_secrets import note_secrets
from ops.settings.generated_secrets import Generated
from ops.settings.profile import REPOSITORY
from plugins.calls.secret_fingerprints import fingerprints

TOKEN = "a-token-of-this-test"
ASK = """
from airflow.sdk import BaseHook
from plugins.calls.secret_fingerprints import fernet_key, fingerprints
print(BaseHook.get_connection("bitrix24").password, sorted(fingerprints(fernet_key())))
"""


def connection(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    value = json.dumps({"conn_type": "generic", "host": "https://portal.example", "password": password})
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)


def test_a_fingerprint_is_of_this_secret_under_this_key(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, "bitrix24", TOKEN)
    connection(monkeypatch, "slack", TOKEN)
    first = fingerprints("a key")
    assert {"bitrix24", "slack"} <= first.keys()
    assert first["bitrix24"] != first["slack"], "two services with one secret do not show it"
    assert TOKEN not in str(first)
    assert fingerprints("another key")["slack"] != first["slack"]
    assert fingerprints("") == {}
    connection(monkeypatch, "bitrix24", "another")
    assert fingerprints("a key")["bitrix24"] != first["bitrix24"]
    connection(monkeypatch, "bitrix24", "")
    assert "bitrix24" not in fingerprints("a key")


@pytest.mark.postgres
def test_a_changed_secret_is_written_once_and_its_age_begins_anew(database: str) -> None:
    with State.open(database) as state:
        old, new = {"bitrix24": "a" * 64, "slack": "b" * 64}, {"bitrix24": "c" * 64, "slack": "b" * 64}
        changed = [note_secrets(state, given, actor="Operator") for given in (old, old, new, {})]
        assert changed == [["bitrix24", "slack"], [], ["bitrix24"], []]
        entries = list(AuditLog(state.session).entries())
    assert {entry.action for entry in entries} == {Action.SECRET_CHANGED}
    assert [json.loads(entry.detail)["first"] for entry in entries] == [True, True, False]
    assert all("a" * 13 not in entry.detail for entry in entries)


@pytest.mark.airflow
@pytest.mark.parametrize(("section", "context"), [("WORKERS__SECRETS_BACKEND", ""), ("SECRETS__BACKEND", "server")])
def test_a_secrets_backend_is_asked_before_the_environment(tmp_path: Path, section: str, context: str) -> None:
    """Airflow's own backend for local files: of the tasks, and of the api-server, whose settings differ."""
    file = tmp_path / "connections.json"
    stored = {"bitrix24": {"conn_type": "bitrix24", "host": "https://portal.example", "password": "of-the-backend"}}
    file.write_text(json.dumps(stored), encoding="utf-8")
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__FERNET_KEY": Generated.fresh().fernet_key,
        f"AIRFLOW__{section}": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        f"AIRFLOW__{section}_KWARGS": json.dumps({"connections_file_path": str(file)}),
        "AIRFLOW_CONN_BITRIX24": json.dumps({"conn_type": "bitrix24", "password": "of-the-environment"}),
        "PYTHONPATH": str(REPOSITORY),
        "_AIRFLOW_PROCESS_CONTEXT": context,
    }
    command = [sys.executable, "-c", ASK]
    asked = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.stdout.splitlines()[-1:] == ["of-the-backend ['bitrix24']"], asked.stderr
