"""The whole system as `make up` starts it, in a folder of its own: real PostgreSQL and Airflow, a simulated outside."""

import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import requests
from psycopg.rows import dict_row
from rich.console import Console

from include.calls.names import DAG_ID
from include.common.sealing import new_key
from ops.one_machine import postgres
from ops.one_machine.down import down
from ops.one_machine.up import Running, running_environment, up
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import ADMIN, generated, write_private
from ops.settings.profile import REPOSITORY, Runtime
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.seeded import seeded_world, spoken
from simulators.bitrix24.world import Audio, Call
from simulators.kit.in_process import running as served
from simulators.openai.app import RecogniserSimulator
from simulators.proxy import ProxySimulator, proxying
from simulators.slack import SlackSimulator
from simulators.sound.dialogues import record_briefly

SILENT = Console(quiet=True)
WORLD = (datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 13, tzinfo=UTC))
CALLS = 84  # seven a day: two batches in two days. Each test takes days of its own, so that none meets another's texts
MORE_DAYS = ("2025-08-13", "2025-08-14", "2025-08-15")  # after them, with two short calls each
LINEAGE_DAY = "2025-08-16"  # as well
BACKFILLED_DAYS = ("2025-08-07", "2025-08-08")
BACKFILLED_CRON = "0 2 7,8 8 *"  # ticks for a backfill; in no other week does the schedule join in
CODE = ("dags", "plugins", "include", "jobs", "ops")
ENDED = ("success", "failed")
AFTER_EXPORT = "after_call_export"


@dataclass
class System:
    """A running system and the ways to reach it: the command line, REST, the databases, the files."""

    runtime: Runtime
    portal: PortalSimulator
    recogniser: RecogniserSimulator
    proxy: ProxySimulator
    slack: SlackSimulator
    settings: dict[str, str]
    running: Running | None = None
    _started_with: dict[str, str] = field(default_factory=dict)
    _session: requests.Session | None = None

    def configured(self, *, without: tuple[str, ...] = ()) -> "System":
        """The system with all settings but those; restarted only if it runs with others."""
        wanted = {name: value for name, value in self.settings.items() if name not in without}
        if wanted != self._started_with:
            self.stop()
            text = "".join(f"{name}={value}\n" for name, value in wanted.items())
            write_private(self.runtime.env_file, text)
            self.running = up(self.runtime, SILENT)
            self._started_with, self._session = wanted, self._logged_in(self.running)
        return self

    def stop(self) -> None:
        if self._session is not None:
            self._session.close()
        if self._started_with:
            down(self.runtime, SILENT)
        self._session, self._started_with = None, {}

    # The command line

    def export(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`make export` with these arguments."""
        return subprocess.run(
            [sys.executable, "-m", "jobs.call_export", *arguments],
            env=running_environment(self.runtime) | {"COLUMNS": "400"},
            cwd=self.runtime.root,
            capture_output=True,
            text=True,
            check=False,
        )

    # REST

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        assert self.running is not None
        assert self._session is not None
        return self._session.request(method, f"{self.running.url}/api/v2/{path}", json=body, timeout=30)

    def trigger(self, **conf: Any) -> requests.Response:
        return self.api("POST", f"dags/{DAG_ID}/dagRuns", {"logical_date": None, "conf": conf})

    def dag_run(self, dag_run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"dags/{DAG_ID}/dagRuns/{quote(dag_run_id, safe='')}").json()
        return found

    def dag_runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", f"dags/{DAG_ID}/dagRuns?limit=100").json()["dag_runs"]
        return found

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str | None = None, **headers: str
    ) -> requests.Response:
        """A route of our own app at `/call_export`, with this token or anonymously."""
        assert self.running is not None
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.running.url}/call_export/{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=30, proxies={"http": ""})

    @property
    def user_token(self) -> str:
        """The administrator's JWT."""
        assert self._session is not None
        return str(self._session.headers["Authorization"]).removeprefix("Bearer ")

    def ended(self, dag_run_id: str, seconds: float = 400) -> dict[str, Any]:
        """Waits for the end of the DAG run and returns it."""
        eventually(lambda: self.dag_run(dag_run_id)["state"] in ENDED, seconds, f"{dag_run_id} has not ended")
        return self.dag_run(dag_run_id)

    def tasks(self, dag_run_id: str) -> list[dict[str, Any]]:
        path = f"dags/{DAG_ID}/dagRuns/{quote(dag_run_id, safe='')}/taskInstances?limit=200"
        found: list[dict[str, Any]] = self.api("GET", path).json()["task_instances"]
        return found

    def _logged_in(self, running: Running) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        login = {"username": ADMIN, "password": running.password}
        token = session.post(f"{running.url}/auth/token", json=login, timeout=30).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        return session

    # The databases and the files

    @property
    def databases(self) -> postgres.Databases:
        return postgres.located(load_settings(self.runtime.env_file), self.runtime, generated(self.runtime))

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the state database."""
        with psycopg.connect(self.databases.state_url, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        with psycopg.connect(self.databases.state_url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).rowcount

    def folder(self, first: str, last: str) -> Path:
        return self.runtime.storage / "exports" / f"{first}_{last}"

    # The simulated outside

    def downloads(self) -> list[str]:
        """Files fetched from the portal, in order: drive file ids and storage paths."""
        return [entry.subject for entry in self.portal.journal.entries() if entry.where in ("download", "storage")]

    def recognitions(self) -> int:
        return self.recogniser.journal.count("transcriptions")


def eventually(condition: Callable[[], bool], seconds: float, failure: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{failure} in {seconds:g} s")
        time.sleep(0.5)


def _documented_dag() -> str:
    """The example of `docs/api.md` of a DAG that starts after an export."""
    page = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    return page.split("```python\n")[1].split("```")[0]


@contextmanager
def system_in(root: Path) -> Iterator[System]:
    """A system that is started by `configured()` and stopped, whatever happens, at the end."""
    for name in CODE:  # a copy: nothing is written into the repository, and an edit in mid-test changes nothing
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "dags" / f"{AFTER_EXPORT}.py").write_text(_documented_dag(), encoding="utf-8")
    runtime = Runtime("main", root)
    runtime.make()
    world = seeded_world(7, *WORLD, CALLS, spoken())
    for number, (day, minute) in enumerate(product((*MORE_DAYS, LINEAGE_DAY), (1, 2)), 900_001):
        call = Call(number, datetime.fromisoformat(f"{day}T09:0{minute}:00+00:00"), f"call-{number}", file_id=number)
        world.add(call, Audio(partial(record_briefly, number)))
    portal = PortalSimulator(world, token=secrets.token_hex(12), limits=Limits(rps=1000, bucket=1000))
    recogniser = RecogniserSimulator(key=f"sk-{secrets.token_hex(16)}", requests_per_minute=100_000)
    proxy = ProxySimulator(user="export", password=secrets.token_hex(10))
    slack, slack_token = SlackSimulator(), f"T0/B0/{secrets.token_hex(12)}"
    with (
        served(portal) as portal_url,
        served(recogniser) as recogniser_url,
        proxying(proxy) as proxy_url,
        served(slack) as slack_url,
    ):
        settings = {
            "B24_BASE_URL": portal_url,
            "B24_WEBHOOK_USER_ID": portal.user,
            "B24_WEBHOOK_TOKEN": portal.token,
            "RECORDING_HOSTS": portal_url.removeprefix("http://"),
            "OPENAI_BASE_URL": f"{recogniser_url}/v1",
            "OPENAI_API_KEY": recogniser.key,
            "CHATGPT_PROXY_URL": proxy_url.replace("://", f"://{proxy.user}:{proxy.password}@"),
            "REQUIRE_PROXY": "true",
            "SLACK_WEBHOOK_URL": f"{slack_url}/services/{slack_token}",
            "LOG_LEVEL": "DEBUG",  # what is talkative then must not tell secrets either (test_secrets_stay_secret.py)
            "B24_BACKOFF_SECONDS": "0.1",
            "STT_BACKOFF_SECONDS": "0.1",
            "CALL_EXPORT_CRON": BACKFILLED_CRON,
            "LOG_FORMAT": "json",
            "BACKUP_URL": str(root.parent / f"{root.name}_backups"),
            "BACKUP_KEY": new_key(),
            "AIRFLOW_PORT": str(_free_port()),
        }
        system = System(runtime, portal, recogniser, proxy, slack, settings)
        try:
            yield system
        finally:
            system.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
