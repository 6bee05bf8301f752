"""`make erase-again`: the demands of the storage reach a database that does not know them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.erasure_hashes import ErasureKey
from jobs.erase_again import main
from tests.kit.state_samples import selected

pytestmark = pytest.mark.postgres


def test_a_demand_of_the_storage_is_known_again(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    for conn_id, conn in {
        "CALL_EXPORT_DB": {"conn_type": "postgres", "host": parts.get("host"), "login": parts.get("user"),
                           "schema": parts["dbname"]},
        "CALL_EXPORT_STORAGE": {"conn_type": "file", "extra": {"path": str(tmp_path)}},
        "CALL_EXPORT_ERASURE": {"conn_type": "generic", "password": "a key"},
    }.items():  # fmt: skip
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", json.dumps(conn))
    erasure_id, name = "5f6f2a52-0b5b-4d0e-9f6a-3c9e7a1c0d11", ErasureKey.of("a key").name
    stone = {"hash": "f" * 64, "kind": "call", "key_name": name, "covers_until": None}
    facts = {
        "erasure_id": erasure_id, "kind": "call", "subject_hash": "f" * 64, "key_name": name, "masked": "***",
        "reason": "обращение № 12", "asked_by": "сам человек", "triggered_by": "officer",
        "demanded_at": "2026-01-01T00:00:00Z", "decided_by": "director", "decided_at": "2026-01-02T00:00:00Z",
    }  # fmt: skip
    file = tmp_path / "erasures" / erasure_id / "tombstones.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"erasure": facts, "tombstones": [stone]}), encoding="utf-8")
    done = CliRunner().invoke(main, [])
    assert (done.exit_code, done.output) == (0, "Стёртого раньше в базе и хранилище нет.\n"), done.output
    assert selected(database, "SELECT status, decided_by FROM erasures") == [("settled", "director")]
