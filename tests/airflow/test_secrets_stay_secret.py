"""After all runs, failed ones included: no secret is in a log, row or file that does not need it, and no personal data
in what Airflow and PostgreSQL keep about the runs."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from include.calls.state.rights import LOGINS
from ops.settings.database_roles import password
from ops.settings.generated_secrets import generated
from simulators.kit.faults import FaultKind
from tests.airflow.system import System

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900)]

# Files that must hold secrets, readable by their owner only: the person's own file, the others in `var/<profile>`.
ALLOWED = {
    ".env": "what the person wrote",
    "secrets.json": "the launcher's own secrets",
    "passwords.json": "what Airflow's login reads",
    "metrics_token": "what Prometheus reads",
}


DAYS = ("2025-08-09", "2025-08-10")
# What callers and employees are in those days: found by a byte search wherever it lies
PERSONAL = {
    "caller's number": "9160003517",
    "employee's name": "Златогорова",
    "spoken name": "Веденеева",
    "spoken number": "семьсот сорок три восемнадцать",
    "spoken word": "абракадаброй",
}
SAID = "меня зовут Зоя Веденеева номер девятьсот три семьсот сорок три восемнадцать двадцать называйте абракадаброй"


def personal_data() -> dict[str, list[bytes]]:
    """Each also as JSON escapes it."""
    return {name: [text.encode(), json.dumps(text).strip('"').encode()] for name, text in PERSONAL.items()}


def personal_in(text: bytes) -> list[str]:
    return [name for name, forms in personal_data().items() if any(form in text for form in forms)]


def plant(system: System) -> None:
    """The portal, the recogniser and their error messages are full of personal data."""
    number, name = PERSONAL["caller's number"], PERSONAL["employee's name"]
    for call in system.portal.world.calls.values():
        if call.started_at.strftime("%Y-%m-%d") in DAYS:
            call.phone_number = f"+7{number}"
    for user in system.portal.world.users.values():
        user["LAST_NAME"] = name
    quoted = f"cannot process «{SAID}» of +7{number} ({name})"
    refusal = {"error": {"message": quoted, "code": "invalid_value", "type": "invalid_request_error"}}
    system.recogniser.says = lambda _model: SAID
    system.recogniser.faults.add("transcriptions", FaultKind.STATUS, status=500, times=1, body=refusal)
    system.recogniser.faults.add("transcriptions", FaultKind.STATUS, status=400, times=1, body=refusal)
    system.recogniser.faults.add("transcriptions", FaultKind.BODY, times=1, body={"unknown": quoted})
    # the portal knows no words of a call; a name in its messages stays (docs/runbooks/personal_data.md)
    failure = {"error": "INTERNAL_SERVER_ERROR", "error_description": f"cannot read the calls of +7{number}"}
    system.portal.faults.add("disk.file.get", FaultKind.ERROR, times=1, body=failure)
    system.portal.faults.add("voximplant.statistic.get", FaultKind.ERROR, times=1, body=failure)


def secrets_of(system: System) -> dict[str, bytes]:
    """Secrets by name, each also in its encoded forms."""
    keys = generated(system.runtime)
    proxy = f"{system.proxy.user}:{system.proxy.password}"
    plain = {
        "webhook token": system.portal.token,
        "recogniser key": system.recogniser.key,
        "proxy password": system.proxy.password,
        "proxy credentials as sent": base64.b64encode(proxy.encode()).decode(),
        "administrator's password": keys.admin_password,
        "password of the user of tasks": keys.tasks_password,
        "PostgreSQL password": keys.postgres_password,
        "key of the roles' passwords": keys.database_roles_key,
        **{f"password of the role {role}": password(keys, role) for role in sorted(LOGINS)},
        "JWT secret": keys.jwt_secret,
        "Fernet key": keys.fernet_key,
        "metrics token": keys.metrics_token,
        "Slack token": system.settings["SLACK_WEBHOOK_URL"].rpartition("/")[2],
    }
    return {name: value.encode() for name, value in plain.items()}


def found_in(text: bytes, secrets: dict[str, bytes]) -> list[str]:
    """PostgreSQL shows binary columns as hexadecimal digits."""
    return [name for name, value in secrets.items() if value in text or value.hex().encode() in text]


def tables_of(connection: psycopg.Connection[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()


def rows_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Every table with all its rows as text. A partitioned table can be copied by a query only."""
    every_row = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT")
    with psycopg.connect(url) as connection:
        for schema, table in tables_of(connection):
            with connection.cursor().copy(every_row.format(sql.Identifier(schema, table))) as copied:
                yield table, b"".join(bytes(part) for part in copied)


def files_of(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]


def bytes_of(file: Path) -> bytes:
    """Empty if the file no longer exists: the running PostgreSQL removes caches of its own."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.fixture
def after_failures(system: System) -> System:
    """A run whose links, with the token in them, failed in several ways, and whose recogniser quoted the key."""
    system.portal.faults.add("download", FaultKind.DROP_CONNECTION, times=2)
    system.portal.faults.add("download", FaultKind.HTML200, times=1)
    system.recogniser.faults.add("transcriptions", FaultKind.STATUS, status=401, times=1, body={
        "error": {"message": f"Incorrect API key provided: {system.recogniser.key}", "code": "invalid_api_key"},
    })  # fmt: skip
    done = system.export("--from", "2025-08-09", "--to", "2025-08-10", "--key", "leaky")
    assert done.returncode == 1, "the key was refused"
    assert not found_in((done.stdout + done.stderr).encode(), secrets_of(system))
    return system


@pytest.fixture
def after_indiscreet_errors(after_failures: System) -> System:
    """The days of the failed run again: texts are made now, beside errors that quote what was said and by whom."""
    system = after_failures
    users = {key: dict(user) for key, user in system.portal.world.users.items()}
    numbers = {key: call.phone_number for key, call in system.portal.world.calls.items()}
    plant(system)
    try:
        done = system.export("--from", DAYS[0], "--to", DAYS[1], "--key", "indiscreet")
    finally:
        system.recogniser.says = lambda _model: None
        system.portal.world.users = users
        for key, number in numbers.items():
            system.portal.world.calls[key].phone_number = number
    assert not personal_in((done.stdout + done.stderr).encode()), "the command line"
    return system


def test_no_personal_data_is_in_what_is_kept_about_the_runs(after_indiscreet_errors: System) -> None:
    """Airflow's database (XComs, rendered fields, notes, logs in it), all logs, metrics and notifications."""
    system = after_indiscreet_errors
    state = b"".join(text for _, text in rows_of(system.databases.state_url))
    assert personal_in(state) == list(PERSONAL), "all of it came in"

    rows = dict(rows_of(system.databases.metadata_url))
    assert rows["xcom"]
    assert rows["rendered_task_instance_fields"]
    assert {table: found for table, text in rows.items() if (found := personal_in(text))} == {}

    home = system.runtime.home
    kept = {
        str(file.relative_to(home)): file for file in files_of(home) if not file.is_relative_to(system.runtime.storage)
    }
    logs = {name: file for name, file in kept.items() if name.startswith("logs/") or file.name == "log"}
    assert any("task_id=batch.transcribe" in name for name in logs)
    assert bytes_of(system.runtime.postgres / "log")
    assert {name: found for name, file in logs.items() if (found := personal_in(bytes_of(file)))} == {}

    page = system.call("GET", "metrics", token=generated(system.runtime).metrics_token)
    assert page.status_code == 200
    assert personal_in(page.content) == []
    assert personal_in(json.dumps(system.slack.messages, ensure_ascii=False).encode()) == []
    run_logs = [file for file in files_of(system.runtime.storage) if file.suffix == ".jsonl"]
    assert run_logs
    # a recogniser that repeats what it heard in an error message is quoted there, with its numbers masked
    assert not [file.name for file in run_logs if "caller's number" in personal_in(bytes_of(file))]


def test_no_secret_is_anywhere_but_in_the_files_made_for_it(after_failures: System) -> None:
    system = after_failures
    secrets = secrets_of(system)
    home = system.runtime.home

    rows = {
        f"{name}.{table}": text
        for name, url in (("state", system.databases.state_url), ("metadata", system.databases.metadata_url))
        for table, text in rows_of(url)
    }
    assert rows["metadata.xcom"]
    assert rows["metadata.rendered_task_instance_fields"]
    assert rows["state.call_events"]
    assert {name: found for name, text in rows.items() if (found := found_in(text, secrets))} == {}

    files = {str(file.relative_to(home)): file for file in files_of(home)} | {".env": system.runtime.env_file}
    logs = [name for name in files if name.startswith("logs/")]
    assert {f"logs/{part}.log" for part in ("scheduler", "api-server", "triggerer", "dag-processor")} <= set(logs)
    assert any("task_id=batch.transcribe" in name for name in logs)
    leaks = {name: found for name, file in files.items() if (found := found_in(bytes_of(file), secrets))}
    assert leaks.keys() == ALLOWED.keys(), {name: leaks[name] for name in leaks.keys() - ALLOWED.keys()}
    assert "webhook token" in leaks[".env"], "the search can find"
    assert {oct(files[name].stat().st_mode & 0o777) for name in ALLOWED} == {"0o600"}
