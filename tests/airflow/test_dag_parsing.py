"""Parsing is repeated all the time: it must cost little and must not access network, processes or databases."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.settings.profile import REPOSITORY

SHARE_OF_AIRFLOW = 0.3  # measured: 0.06 of what importing Airflow's own SDK costs; the rest is room for a busy machine
# modules that tasks import when they run; at parse time each would cost every parse
HEAVY = {
    *("av", "boto3", "botocore", "httpx", "matplotlib", "numpy", "openai", "phonenumbers", "psycopg", "requests"),
    "typst",
}


def parsed(repository: Path, home: Path) -> dict[str, Any]:
    """The report of `tests/airflow/parsing.py` on that repository's DAG files."""
    script = REPOSITORY / "tests" / "airflow" / "parsing.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(repository)],
        # a database that does not exist, because parsing may not use one
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parsed(REPOSITORY, tmp_path_factory.mktemp("airflow-home"))


def test_parsing_uses_no_network_process_or_database(parse: dict[str, Any]) -> None:
    assert parse["outside"] == []
    assert parse["database"] == []


def test_parsing_never_asks_the_clock(parse: dict[str, Any]) -> None:
    """A DAG that depends on the time of parsing becomes a new version every time."""
    assert parse["clock"] == []


def test_parsing_imports_nothing_that_only_tasks_need(parse: dict[str, Any]) -> None:
    assert HEAVY & set(parse["packages"]) == set()


def test_parsing_costs_a_small_part_of_importing_airflow(parse: dict[str, Any]) -> None:
    assert parse["seconds"] < SHARE_OF_AIRFLOW * parse["airflow_seconds"]


def test_a_file_that_does_all_this_is_noticed(tmp_path: Path) -> None:
    """The tests above must fail for such a file."""
    for name in ("include", "plugins"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "dags" / "calls").mkdir(parents=True)
    (tmp_path / "dags" / "calls" / "call_export.py").write_text(
        "import socket, time\nfrom datetime import datetime\nimport psycopg, requests\n"
        "datetime.now()\ntime.time()\nsocket.socket().connect_ex(('127.0.0.1', 1))\n",
        encoding="utf-8",
    )
    found = parsed(tmp_path, tmp_path / "home")
    assert found["clock"] == ["call_export.py:4", "call_export.py:5"]
    assert "socket.connect" in found["outside"]
    assert found["database"] == ["psycopg"]
    assert {"psycopg", "requests"} <= set(found["packages"])
