"""The Airflow of another team: a DAG, a plugin, a pool, and packages whose names are those of our folders."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

AIRFLOW = "apache-airflow==3.3.2"
DAG_ID = "their_report"
_FILES = {
    "dags/their_report.py": '''"""A DAG of another team."""
from airflow.sdk import DAG, task
from include.sales import rate
from plugins.shared import greeting

with DAG("their_report", schedule=None, catchup=False, is_paused_upon_creation=False) as dag:

    @task(pool="theirs")
    def report() -> str:
        return f"{greeting()} {rate()}"

    report()
''',
    "plugins/include/__init__.py": "",
    "plugins/include/sales.py": "def rate() -> int:\n    return 7\n",
    "plugins/plugins/__init__.py": "",
    "plugins/plugins/shared.py": "def greeting() -> str:\n    return 'theirs'\n",
    "plugins/their_plugin.py": """from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI

app = FastAPI()


@app.get("/ping")
def ping() -> dict[str, str]:
    return {"whose": "theirs"}


class TheirPlugin(AirflowPlugin):
    name = "theirs"
    fastapi_apps = [{"app": app, "url_prefix": "/theirs", "name": "theirs"}]
""",
}


@dataclass
class TheirAirflow:
    """`environment` is what a shell of theirs has; blocks of the page may add to it."""

    home: Path
    metadata_url: str
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "airflow"  # AIRFLOW_HOME, below `home`
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def install(self) -> None:
        """An empty environment with plain Airflow, and what the other team has."""
        venv = self.home / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        self.environment = {
            "PATH": f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home / self.folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "NO_PROXY": "127.0.0.1,localhost",
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))},
        }
        self.run(f"pip install --quiet --disable-pip-version-check '{AIRFLOW}' psycopg2-binary asyncpg")
        for name, text in _FILES.items():
            file = self.home / self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        self.run("airflow db migrate && airflow pools set theirs 1 'a pool of another team'")

    def move(self, folder: str, metadata_url: str) -> None:
        """An empty AIRFLOW_HOME and database, with the packages that are installed."""
        self.folder, self.metadata_url = folder, metadata_url
        self.environment |= {
            "AIRFLOW_HOME": str(self.home / folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url,
        }
        self.run("airflow db migrate")

    def run(self, script: str, cwd: Path | None = None) -> str:
        """One block in a shell; what it exports stays. Raises RuntimeError with its output if it fails."""
        kept = self.home / "exported"
        done = subprocess.run(
            ["bash", "-ec", f"{script}\nenv -0 > '{kept}'"],
            env=self.environment,
            cwd=cwd or self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{script}\n{done.stdout[-4000:]}")
        pairs = (one.partition("=") for one in kept.read_text(encoding="utf-8").split("\0") if one)
        self.environment = {name: value for name, _, value in pairs if name not in ("_", "SHLVL", "PWD", "OLDPWD")}
        return done.stdout

    def start(self) -> None:
        """All components, by Airflow's own `standalone`, in a session of their own."""
        log = (self.home / "standalone.log").open("ab")
        self._process = subprocess.Popen(
            ["airflow", "standalone"],
            env=self.environment,
            cwd=self.home,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            executable=shutil.which("airflow", path=self.environment["PATH"]),
        )
        until("the api-server", 600, lambda: requests.get(f"{self.url}/api/v2/monitor/health", timeout=2).ok)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)  # `standalone` would leave its children alone
            try:
                self._process.wait(30)
            finally:
                time.sleep(2)
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def password(self) -> str:
        file = self.home / self.folder / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(file.read_text(encoding="utf-8"))["admin"])

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            token = session.post(
                f"{self.url}/auth/token", json={"username": "admin", "password": self.password}, timeout=30
            ).json()["access_token"]
            answer = session.request(
                method,
                f"{self.url}/api/v2/{path}",
                json=body,
                timeout=30,
                headers={"Authorization": f"Bearer {token}"},
            )
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def their_run(self) -> str:
        """Runs the other team's DAG; what its task returned."""
        self.wait_for(DAG_ID)
        run = self.api("POST", f"dags/{DAG_ID}/dagRuns", {"logical_date": None})["dag_run_id"]
        self.ended(DAG_ID, run, 120)
        path = f"dags/{DAG_ID}/dagRuns/{run}/taskInstances/report/xcomEntries/return_value"
        return str(self.api("GET", path)["value"])

    def wait_for(self, dag_id: str) -> None:
        until(dag_id, 120, lambda: dag_id in {one["dag_id"] for one in self.api("GET", "dags?limit=100")["dags"]})

    def ended(self, dag_id: str, run: str, seconds: float) -> str:
        """Waits for a DAG run; its state."""
        until(
            f"{dag_id} {run}",
            seconds,
            lambda: self.api("GET", f"dags/{dag_id}/dagRuns/{run}")["state"] in ("success", "failed"),
        )
        return str(self.api("GET", f"dags/{dag_id}/dagRuns/{run}")["state"])


def until(what: str, seconds: float, done: Any) -> None:
    """Raises TimeoutError if `done()` is not true in that time."""
    end = time.monotonic() + seconds
    while True:
        with suppress(requests.RequestException):
            if done():
                return
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(1)
