"""Airflow's four components and the embedded PostgreSQL, supervised by supervisord (PyPI `supervisor`).

supervisord restarts a component that ends, waits longer after each failed start, rotates the output files, and stops
the components in reverse order of priority, one after the other.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from configparser import RawConfigParser
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from include.common.errors import ExportError
from ops.settings import embedded_clickhouse
from ops.settings.generated_secrets import write_private
from ops.settings.profile import REPOSITORY, Runtime

# In start order. The scheduler stops first: its tasks report their end to the api-server.
AIRFLOW_COMPONENTS = ("api-server", "dag-processor", "triggerer", "scheduler")
POSTGRES_KEEPER = "postgresql"  # only without DATABASE_URL
CLICKHOUSE = "clickhouse"  # only where sales are configured without a server of ClickHouse
SALES_HEALTH = "sales-health"  # only where sales are configured
COMPONENTS = (POSTGRES_KEEPER, CLICKHOUSE, *AIRFLOW_COMPONENTS, SALES_HEALTH)
ARGUMENTS = {
    # Those of a proxy on this machine, unless FORWARDED_ALLOW_IPS names others: https makes the login's cookie secure.
    "api-server": "api-server --proxy-headers",
    "dag-processor": "dag-processor",
    # Task logs are on the same disk: no log servers, whose fixed ports two profiles could not share.
    "triggerer": "triggerer --skip-serve-logs",
    "scheduler": "scheduler --skip-serve-logs",
}
# The scheduler waits for running tasks; a task killed after this time loses at most the recording in progress.
GRACE_SECONDS = {"scheduler": 60}
ORDINARY_GRACE_SECONDS = 20
SIMULATOR_MARK = "CALL_EXPORT_SIMULATOR_OF"  # in the environment of the demo's simulators
LEFTOVER_GRACE_SECONDS = 3  # idle workers of a killed scheduler ignore SIGTERM
START_RETRIES = 1000  # the wait grows by a second each time: retries last longer than a night


@dataclass(frozen=True)
class Component:
    name: str
    state: str  # supervisord's: RUNNING, STARTING, BACKOFF, STOPPED, FATAL, ...
    pid: int


class Supervisor:
    """One profile's supervisord."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def start(
        self,
        environment: Mapping[str, str],
        *,
        keep_postgres: bool,
        clickhouse_port: int | None = None,
        health_port: int | None = None,
    ) -> None:
        """Starts supervisord and returns while the components are still starting.

        `clickhouse_port`: where the embedded ClickHouse serves, `health_port`: where the health page of sales does;
        None without them.
        """
        write_private(self._runtime.supervisor_config, self._config(keep_postgres, clickhouse_port, health_port))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._runtime.supervisor_config)]
        started = subprocess.run(
            command, env=dict(environment), cwd=self._runtime.root, capture_output=True, text=True, check=False
        )
        if started.returncode != 0:
            reason = (started.stderr or started.stdout).strip()
            raise ExportError(f"supervisord did not start: {reason}", problem="supervisor_not_started", reason=reason)
        self._session_file.write_text(str(os.getsid(self._pid())), encoding="utf-8")

    def components(self) -> list[Component]:
        """The components in start order; empty where supervisord does not answer."""
        try:
            found: list[dict[str, Any]] = self._ask("getAllProcessInfo")
        except (OSError, Fault):
            return []
        known = {str(one["name"]): Component(str(one["name"]), str(one["statename"]), int(one["pid"])) for one in found}
        return [known[name] for name in COMPONENTS if name in known]

    def stop(self) -> bool:
        """Stops all components in order and waits for their end; False where supervisord was not running."""
        try:
            pid = self._pid()
            self._ask("shutdown")
        except (OSError, Fault):
            return False
        try:
            psutil.Process(pid).wait(timeout=sum(GRACE_SECONDS.values()) + 4 * ORDINARY_GRACE_SECONDS)
        except psutil.NoSuchProcess:
            return True
        return True

    def end_leftovers(self, *, simulators: bool = False) -> int:
        """Ends processes of this profile whose parent was killed; returns how many.

        The demo's simulators start before the system, so only `down` ends them as well.
        """
        session = int(self._session_file.read_text(encoding="utf-8")) if self._session_file.exists() else None
        mine = [process for process in psutil.process_iter() if self._is_ours(process, session, simulators=simulators)]
        for process in mine:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, stubborn = psutil.wait_procs(mine, timeout=LEFTOVER_GRACE_SECONDS)
        for process in stubborn:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn, timeout=5)
        self._session_file.unlink(missing_ok=True)
        return len(mine)

    def _is_ours(self, process: psutil.Process, session: int | None, *, simulators: bool) -> bool:
        """Recognised by the mark in its environment, or by session and folder where Airflow's title overwrote that."""
        try:
            if process.pid == os.getpid():
                return False
            marks = process.environ()
            if marks.get(SIMULATOR_MARK) == str(self._runtime.home):
                return simulators
            if marks.get("CALL_EXPORT_RUNTIME") == str(self._runtime.home):
                return True
            return os.getsid(process.pid) == session and process.cwd() == str(self._runtime.root)
        except (psutil.Error, OSError):
            return False

    @property
    def _session_file(self) -> Path:
        return self._runtime.home / "session"

    def _pid(self) -> int:
        return int(self._ask("getPID"))

    def _ask(self, method: str) -> Any:
        """Sends one request over supervisord's socket; OSError where no process listens."""
        transport = SupervisorTransport(None, None, f"unix://{self._runtime.supervisor_socket}")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)()

    def _config(self, keep_postgres: bool, clickhouse_port: int | None, health_port: int | None) -> str:
        socket, logs = self._runtime.supervisor_socket, self._runtime.logs
        config = RawConfigParser()
        config["unix_http_server"] = {"file": _literal(socket), "chmod": "0600"}
        config["supervisord"] = {
            "logfile": _literal(logs / "supervisord.log"),
            "pidfile": _literal(self._runtime.home / "supervisord.pid"),
            "directory": _literal(self._runtime.root),
            "childlogdir": _literal(logs),
        }
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        commands = {name: f"airflow {ARGUMENTS[name]}" for name in AIRFLOW_COMPONENTS}
        if clickhouse_port is not None:
            folder = _literal(embedded_clickhouse.folder(self._runtime))
            served = f'ops.one_machine.clickhouse_server --folder "{folder}" --port {clickhouse_port}'
            commands = {CLICKHOUSE: served} | commands
        if health_port is not None:
            commands[SALES_HEALTH] = f"jobs.sales_health --port {health_port}"
        if keep_postgres:
            commands = {
                POSTGRES_KEEPER: f'ops.one_machine.postgres_keeper "{_literal(self._runtime.postgres)}"'
            } | commands
        for priority, (name, command) in enumerate(commands.items()):
            config[f"program:{name}"] = {
                "command": f'"{_literal(sys.executable)}" -m {command}',
                "directory": _literal(
                    REPOSITORY if name in (POSTGRES_KEEPER, CLICKHOUSE, SALES_HEALTH) else self._runtime.root
                ),
                "priority": str(priority),
                "autorestart": "true",
                "startsecs": "5",
                "startretries": str(START_RETRIES),
                "stopwaitsecs": str(GRACE_SECONDS.get(name, ORDINARY_GRACE_SECONDS)),
                "killasgroup": "true",
                "redirect_stderr": "true",
                "stdout_logfile": _literal(logs / f"{name}.log"),
                "stdout_logfile_maxbytes": "20MB",
                "stdout_logfile_backups": "3",
            }
        text = StringIO()
        config.write(text)
        return text.getvalue()


def _literal(path: object) -> str:
    """Escapes `%`: supervisord expands `%(...)s` in its file."""
    return str(path).replace("%", "%%")
