"""A call in a process of its own brings back its result and shares nothing else with us."""

import json
import os
import signal
import time

import pytest

from include.common.errors import ExportError, Temporary
from include.common.run_in_subprocess import Subprocess, run_in_subprocess


def test_the_result_comes_back_from_another_process() -> None:
    assert run_in_subprocess(json.loads, '{"дни": [1.5]}', parse_float=str) == {"дни": ["1.5"]}
    assert run_in_subprocess(os.getpid) != os.getpid()


def test_printed_text_is_no_part_of_the_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_in_subprocess(print, "a library's progress") is None
    assert capfd.readouterr() == ("", "a library's progress\n")


def test_the_environment_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process gets the paths of libraries and caches, and no connection."""
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", "postgres://user:password@host/db")
    monkeypatch.setenv("MPLCONFIGDIR", "/caches")
    monkeypatch.setenv("PYTHONPATH", "/libraries")
    assert run_in_subprocess(os.getenv, "AIRFLOW_CONN_CALL_EXPORT_DB") is None
    assert (run_in_subprocess(os.getenv, "MPLCONFIGDIR"), run_in_subprocess(os.getenv, "PYTHONPATH")) == (
        "/caches",
        "/libraries",
    )


def test_a_failure_in_the_process_is_an_error_here(capfd: pytest.CaptureFixture[str]) -> None:
    """The traceback is on our standard error."""
    with pytest.raises(ExportError, match=r"loads failed .* exit status 1") as failure:
        run_in_subprocess(json.loads, "{")
    assert not isinstance(failure.value, Temporary), "a second call would fail again"
    assert "JSONDecodeError" in capfd.readouterr().err


def test_a_killed_process_names_the_signal() -> None:
    with pytest.raises(Temporary, match="SIGKILL"):
        run_in_subprocess(signal.raise_signal, signal.SIGKILL)


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.common.run_in_subprocess._MOST_SECONDS", 0.2)
    with pytest.raises(Temporary, match=r"did not end in its own process within 0\.2 s"):
        run_in_subprocess(time.sleep, 60)


def test_one_process_runs_one_function_after_another() -> None:
    with Subprocess("json") as process:
        first = process.run(os.getpid)
        assert process.run(json.loads, "[1]") == [1]
        assert process.run(os.getpid) == first
