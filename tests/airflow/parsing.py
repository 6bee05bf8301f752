"""Imports the DAG files in a process of its own; prints, as JSON, the time and the effects of that.

    python tests/airflow/parsing.py <repository>

Airflow itself is imported first, so that its own import does not count.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

CLOCK = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}  # of datetime, date and time
OUTSIDE = ("socket.", "sqlite3.connect", "subprocess.Popen", "os.system", "urllib.Request")
DATABASE = {"psycopg", "psycopg2", "asyncpg"}  # their connections are made in C, unseen by the interpreter


def main(repository: Path) -> dict[str, Any]:
    began = time.perf_counter()
    import croniter  # noqa: F401 - what any cron schedule imports; it asks the program `file` about the interpreter
    from airflow import sdk

    for name in (
        "DAG",
        "AsyncCallback",
        "BaseOperator",
        "DeadlineAlert",
        "Param",
        "RetryPolicy",
        "TriggerRule",
        "task",
    ):
        getattr(sdk, name)  # each is imported when it is first asked for

    airflow_seconds = time.perf_counter() - began
    before = set(sys.modules)
    clock, outside = watch(repository)
    began = time.perf_counter()
    for file in sorted((repository / "dags").glob("*/*.py")):
        import_file(file)
    seconds = time.perf_counter() - began
    sys.setprofile(None)
    return {
        "airflow_seconds": airflow_seconds,
        "seconds": seconds,
        "clock": clock,
        "outside": outside,
        "packages": sorted({name.split(".")[0] for name in set(sys.modules) - before}),
        "database": sorted(DATABASE & {name.split(".")[0] for name in set(sys.modules) - before}),
    }


def watch(repository: Path) -> tuple[list[str], list[str]]:
    """Two lists that fill during the import: our calls of the clock, and accesses to network, files or processes."""
    clock: list[str] = []
    outside: list[str] = []

    def calls(frame: FrameType, event: str, function: Any) -> None:
        # C functions (`datetime.now`, `time.time`) cannot be replaced, but each call of one is an event
        asks = event == "c_call" and getattr(function, "__name__", "") in CLOCK
        if asks and (is_ours(frame, repository) or "pendulum" in frame.f_code.co_filename):
            clock.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")

    def audit(event: str, _arguments: tuple[object, ...]) -> None:
        if event.startswith(OUTSIDE):
            outside.append(event)

    sys.setprofile(calls)
    sys.addaudithook(audit)
    return clock, outside


def is_ours(frame: FrameType, repository: Path) -> bool:
    file = Path(frame.f_code.co_filename)
    return any(file.is_relative_to(repository / folder) for folder in ("dags", "plugins", "include"))


def import_file(file: Path) -> None:
    spec = importlib.util.spec_from_file_location("parsed_dag", file)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    sys.path.insert(0, str(root))
    sys.stdout.write(json.dumps(main(root)))
