"""A call in a process of its own brings back its result and shares nothing else with us."""

import json
import os
import signal
import time

import pytest

from include.common.errors import ExportError, Temporary
from include.common.run_in_subprocess import apart


def test_the_result_comes_back_from_another_process() -> None:
    assert apart(json.loads, '{"дни": [1.5]}', parse_float=str) == {"дни": ["1.5"]}
    assert apart(os.getpid) != os.getpid()


def test_what_is_printed_is_no_part_of_the_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert apart(print, "a library's progress") is None
    assert capfd.readouterr() == ("", "a library's progress\n")


def test_it_is_told_where_caches_and_libraries_are_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", "postgres://user:password@host/db")
    monkeypatch.setenv("MPLCONFIGDIR", "/caches")
    monkeypatch.setenv("PYTHONPATH", "/libraries")
    assert apart(os.getenv, "AIRFLOW_CONN_CALL_EXPORT_DB") is None
    assert (apart(os.getenv, "MPLCONFIGDIR"), apart(os.getenv, "PYTHONPATH")) == ("/caches", "/libraries")


def test_a_failure_there_is_one_here_and_its_reason_can_be_read(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match=r"loads failed .* exit status 1") as failure:
        apart(json.loads, "{")
    assert not isinstance(failure.value, Temporary), "asked again it would fail again"
    assert "JSONDecodeError" in capfd.readouterr().err


def test_a_process_that_is_killed_says_by_what() -> None:
    with pytest.raises(Temporary, match="SIGKILL"):
        apart(signal.raise_signal, signal.SIGKILL)


def test_nobody_waits_for_it_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.common.run_in_subprocess._MOST_SECONDS", 0.2)
    with pytest.raises(Temporary, match=r"not done in its own process within 0\.2 s"):
        apart(time.sleep, 60)
