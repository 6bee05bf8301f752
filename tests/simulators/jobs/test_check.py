"""`make check` against the simulators, a real database and an S3 server: one row for each thing, whatever fails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from jobs.check import main
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.methods import Rights
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from tests.kit.mail_server import Mailbox, mail_server
from tests.kit.small_world import world_of

Row = tuple[str, str]


@pytest.fixture
def portal() -> PortalSimulator:
    return PortalSimulator(world_of(5), limits=Limits(rps=10_000, bucket=10_000))


@pytest.fixture
def recogniser() -> RecogniserSimulator:
    return RecogniserSimulator()


@pytest.fixture
def system(
    portal: PortalSimulator, recogniser: RecogniserSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[pytest.MonkeyPatch]:
    """Connections as before the first start: without a database and without Airflow."""
    with running(portal) as portal_url, running(recogniser) as recogniser_url:
        for name, conn in {
            "BITRIX24": {"host": portal_url, "login": portal.user, "password": portal.token},
            "WHISPER": {"host": f"{recogniser_url}/v1", "password": recogniser.key, "extra": {}},
            "CALL_EXPORT_STORAGE": {"conn_type": "fs", "extra": {"path": str(tmp_path / "storage")}},
        }.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(conn))
        monkeypatch.setenv("B24_RATE_LIMIT_RPS", "100")
        yield monkeypatch


def connect(system: pytest.MonkeyPatch, name: str, **conn: Any) -> None:
    system.setenv(f"AIRFLOW_CONN_{name}", json.dumps(conn))


def checked(status: int = 0) -> dict[str, Row]:
    """Result and details by what was checked."""
    output = CliRunner().invoke(main, [])
    assert output.exit_code == status, output.output
    cells = [line.split("   ") for line in output.output.replace("\N{NO-BREAK SPACE}", " ").splitlines()[2:-1]]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in cells]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}


def test_before_the_first_start_the_rest_is_checked(system: pytest.MonkeyPatch, portal: PortalSimulator) -> None:
    found = checked()
    assert {name: result for name, (result, _) in found.items()} == {
        "База состояния": "не проверено",
        "Хранилище": "да",
        "Второе место (копии)": "внимание",
        "Часы": "да",
        "Портал": "да",
        "Распознаватель": "да",
        "Запасная модель": "не проверено",
        "Языковая модель": "не проверено",
        "Оповещения": "внимание",
        "Airflow": "не проверено",
    }
    assert portal.journal.count("download") == 0


def test_a_failure_hides_no_other_row_and_is_the_exit_status(
    system: pytest.MonkeyPatch, portal: PortalSimulator, recogniser: RecogniserSimulator
) -> None:
    portal.methods.rights = Rights(scopes=frozenset({"disk", "user_brief"}))
    connect(system, "WHISPER", host="http://127.0.0.1:9/v1", password="key-of-nobody", extra={})
    found = checked(status=1)
    assert found["Портал"][0] == "нет"
    assert "telephony" in found["Портал"][1]
    assert found["Распознаватель"][0] == "нет"
    assert found["Хранилище"][0] == "да"
    assert "key-of-nobody" not in str(found)


def test_a_model_that_the_service_does_not_have_is_named(system: pytest.MonkeyPatch) -> None:
    system.setenv("STT_MODEL", "whisper-9")
    system.setenv("CALL_SUMMARY_ENABLED", "true")
    found = checked()
    assert found["Распознаватель"][0] == "внимание"
    assert "STT_MODEL" in found["Распознаватель"][1]
    assert "SUMMARY_MODEL" in found["Языковая модель"][1]


def test_a_mail_server_is_asked_whether_it_lets_us_in(system: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        connect(system, "SLACK", conn_type="slackwebhook", host="https://hooks.example.com/services", password="T/B/X")
        smtp = {"disable_ssl": True, "disable_tls": True, "to": "a@x.ru"}
        connect(system, "ALERTS", conn_type="smtp", host="127.0.0.1", port=port, extra=smtp)
        result, details = checked()["Оповещения"]
    assert result == "да"
    assert "slack (slackwebhook): проверяется только самим сообщением" in details
    assert "alerts: почтовый сервер 127.0.0.1 впускает; пишем: a@x.ru" in details
    assert mailbox.letters == []
    assert "не отвечает: проверьте SMTP_URL" in checked(status=1)["Оповещения"][1]


@pytest.mark.postgres
def test_the_database_is_asked_for_its_schema(system: pytest.MonkeyPatch, database: str, empty_database: str) -> None:
    def conn_of(url: str) -> dict[str, Any]:
        parts = conninfo_to_dict(url)
        return {
            "conn_type": "postgres",
            "host": parts.get("host"),
            "login": parts.get("user"),
            "schema": parts["dbname"],
        }

    connect(system, "CALL_EXPORT_DB", **conn_of(database))
    assert checked()["База состояния"][0] == "да"
    connect(system, "CALL_EXPORT_DB", **conn_of(empty_database))
    assert checked()["База состояния"] == ("внимание", "база отвечает, таблиц ещё нет: их создаст make up")
    connect(system, "CALL_EXPORT_DB", conn_type="postgres", host="/nowhere", schema="x")
    found = checked(status=1)
    assert found["База состояния"][0] == "нет"
    assert found["Портал"][0] == "да"


@pytest.mark.s3
def test_what_a_bucket_does_with_an_object_is_said(
    system: pytest.MonkeyPatch, s3_server: str, s3_bucket: str, s3_client: Any
) -> None:
    def bucket(**extra: str) -> Row:
        found = {"endpoint_url": s3_server, "region_name": "us-east-1", "bucket": s3_bucket, **extra}
        connect(system, "CALL_EXPORT_STORAGE", conn_type="aws", login="test", password="test", extra=found)
        return checked()["Хранилище"]

    assert "объект лежит зашифрованным: AES256" in bucket()[1]
    result, details = bucket(encryption="aws:kms", kms_key_id="alias/calls")
    assert result == "да"
    assert "aws:kms, ключ alias/calls" in details
    assert bucket(encryption="bucket")[0] in ("да", "внимание")
    s3_client.put_bucket_encryption(
        Bucket=s3_bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    assert "aws:kms" in bucket(encryption="bucket")[1]
    assert [item["Key"] for item in s3_client.list_objects_v2(Bucket=s3_bucket).get("Contents", [])] == []
