"""A period's folder leaves the storage as one archive: what a user of containers does to get to the texts."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.audit_chain import Action
from include.calls.state.audit import AuditLog
from include.calls.state.state import State
from tests.kit.paths import ROOT

pytestmark = pytest.mark.postgres


@pytest.fixture
def environment(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the storage."""
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    found = {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"), "schema": parts["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(found))
    storage = {"conn_type": "fs", "extra": {"path": str(tmp_path)}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_STORAGE", json.dumps(storage))
    return tmp_path


def fetched(*arguments: str, status: int = 0) -> tuple[bytes, str]:
    command = [sys.executable, "-m", "jobs.fetch", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout, done.stderr.decode().replace("\N{NO-BREAK SPACE}", " ")


def test_the_folder_of_a_period_is_an_archive(environment: Path, database: str) -> None:
    files = {"registry/calls.csv": "номер;текст\n".encode(), "transcripts/call_1.txt": "Здравствуйте".encode() * 9000}
    for name, content in files.items():
        path = environment / "exports" / "2025-08-01_2025-08-31" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (environment / "exports" / "2025-08-01_2025-08-31x").mkdir()
    archive, said = fetched("--from", "2025-08-01", "--to", "2025-08-31")
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = {one.name: opened.extractfile(one) for one in opened}
        assert {name: content and content.read() for name, content in members.items()} == {
            f"2025-08-01_2025-08-31/{name}": content for name, content in files.items()
        }
    assert said == "из папки 2025-08-01_2025-08-31 получено: 2 файла\n"
    with State.open(database) as state:
        (entry,) = AuditLog(state.session).entries()
    assert (entry.action, json.loads(entry.detail)) == (
        Action.FILES_FETCHED,
        {"folder": "2025-08-01_2025-08-31", "files": 2},
    )


def test_a_period_that_was_not_exported_is_refused(environment: Path, database: str) -> None:
    archive, said = fetched("--from", "2025-08-01", "--to", "2025-08-02", status=2)
    assert archive == b""
    assert "exports/2025-08-01_2025-08-02/" in said
    with State.open(database) as state:
        assert list(AuditLog(state.session).entries()) == []
