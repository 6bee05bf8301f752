"""The command line finds the storage where the tasks do: in the connection that the launcher makes."""

import json
from pathlib import Path

import pytest

from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import NotConfigured
from jobs.storage import storage_from_environment

pytestmark = pytest.mark.s3

NAME = "AIRFLOW_CONN_CALL_EXPORT_STORAGE"


def connection(monkeypatch: pytest.MonkeyPatch, **conn: object) -> None:
    monkeypatch.setenv(NAME, json.dumps(conn))


def test_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connection(monkeypatch, conn_type="generic", extra={"path": str(tmp_path)})
    storage = storage_from_environment()
    assert isinstance(storage, LocalStorage)
    storage.put_bytes("exports/x.txt", b"x", "text/plain")
    assert (tmp_path / "exports/x.txt").read_bytes() == b"x"


def test_a_bucket_with_its_keys_and_endpoint(monkeypatch: pytest.MonkeyPatch, s3_server: str, s3_bucket: str) -> None:
    extra = {"endpoint_url": s3_server, "region_name": "us-east-1", "bucket": s3_bucket, "prefix": "company"}
    connection(monkeypatch, conn_type="aws", login="test", password="test", extra=extra)
    storage = storage_from_environment()
    assert isinstance(storage, S3Storage)
    storage.put_bytes("exports/x.txt", b"x", "text/plain")
    assert storage.get_bytes("exports/x.txt") == b"x"


@pytest.mark.parametrize(("conn_type", "setting"), [("aws", "S3_BUCKET"), ("fs", "LOCAL_STORAGE_DIR")])
def test_a_connection_that_names_no_place_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, conn_type: str, setting: str
) -> None:
    connection(monkeypatch, conn_type=conn_type, extra={})
    with pytest.raises(NotConfigured, match=f"set {setting}$"):
        storage_from_environment()
