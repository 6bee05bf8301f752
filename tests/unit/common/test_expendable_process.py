"""A worker has limits and no secrets; what kills it is an error of one call."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from include.common.errors import ErrorCode, Permanent, Temporary
from include.common.expendable_process import Limits, results_of

LIMITS = Limits(cpu_sec=20, memory_mb=200)


def ask(function: Any, limits: Limits = LIMITS, **arguments: Any) -> list[Any]:
    return list(results_of(function, arguments, limits, code=ErrorCode.AUDIO_LIMITS))


def counting(most: int) -> Iterator[int]:
    yield from range(most)


def environment() -> Iterator[Any]:
    yield [dict(os.environ), os.getpid(), os.getppid()]


def writing(folder: str) -> Iterator[str]:
    for number in range(3):
        Path(folder, str(number)).touch()
        yield str(number)


def filling_memory(megabytes: int) -> Iterator[int]:
    yield len(bytearray(megabytes << 20))


def never_ending() -> Iterator[int]:
    while True:
        pass
    yield 0


def sleeping(folder: str) -> Iterator[int]:
    Path(folder, str(os.getpid())).touch()
    yield 0
    time.sleep(60)
    yield 1


def killed(number: int) -> Iterator[int]:
    yield 0
    os.kill(os.getpid(), number)
    yield 1


def refusing(permanent: bool) -> Iterator[int]:
    kind = Permanent if permanent else Temporary
    yield 0
    raise kind("the file is bad", code=ErrorCode.NOT_AUDIO)


def failing() -> Iterator[int]:
    yield 0
    raise KeyError("secret")


def test_results_come_in_order() -> None:
    assert ask(counting, most=5) == [0, 1, 2, 3, 4]
    assert ask(counting, most=0) == []


def test_a_result_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    """So an encoded piece is on the disk only while it is sent."""
    with closing(results_of(writing, {"folder": str(tmp_path)}, LIMITS, code=ErrorCode.AUDIO_LIMITS)) as results:
        assert next(results) == "0"
        time.sleep(0.2)
        assert len(list(tmp_path.iterdir())) == 1


def test_the_environment_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", "postgres://user:password@host/db")
    [[found, process, server]] = ask(environment)
    assert "AIRFLOW_CONN_CALL_EXPORT_DB" not in found
    assert "password" not in Path(f"/proc/{server}/environ").read_text()
    assert os.getpid() not in (process, server)


def test_one_server_forks_the_workers() -> None:
    [[_, first, server]], [[_, second, same]] = ask(environment), ask(environment)
    assert first != second
    assert server == same


def test_workers_do_not_wait_for_each_other() -> None:
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda most: len(ask(counting, most=most)), [50, 60, 70, 80])) == [50, 60, 70, 80]


def test_too_much_memory_is_refused_with_a_sentence() -> None:
    assert ask(filling_memory, megabytes=100) == [100 << 20]
    with pytest.raises(Permanent, match="more than the permitted memory") as caught:
        ask(filling_memory, megabytes=300)
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


def test_too_much_processor_time_is_refused_with_a_sentence() -> None:
    with pytest.raises(Permanent, match="more than the permitted processor time") as caught:
        ask(never_ending, Limits(cpu_sec=1, memory_mb=100))
    assert caught.value.code is ErrorCode.AUDIO_LIMITS


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_death_may_be_tried_again(number: signal.Signals) -> None:
    with pytest.raises(Temporary, match=number.name) as caught:
        ask(killed, number=int(number))
    assert caught.value.code is ErrorCode.DECODING_DIED
    assert ask(counting, most=1) == [0], "the server lives"


def test_the_errors_of_the_function_come_back() -> None:
    for permanent, kind in ((True, Permanent), (False, Temporary)):
        with pytest.raises(kind, match="the file is bad") as caught:
            ask(refusing, permanent=permanent)
        assert caught.value.code is ErrorCode.NOT_AUDIO


def test_an_unforeseen_error_names_its_type(capfd: pytest.CaptureFixture[str]) -> None:
    """What it says may be foreign data."""
    with pytest.raises(Temporary, match="unforeseen KeyError") as caught:
        ask(failing)
    assert "secret" not in str(caught.value)


def test_a_closed_call_ends_its_worker(tmp_path: Path) -> None:
    results = results_of(sleeping, {"folder": str(tmp_path)}, LIMITS, code=ErrorCode.AUDIO_LIMITS)
    next(results)
    [worker] = tmp_path.iterdir()
    results.close()
    ended = time.monotonic() + 5
    while psutil.pid_exists(int(worker.name)) and time.monotonic() < ended:
        time.sleep(0.02)
    assert not psutil.pid_exists(int(worker.name))


def test_a_dead_server_is_replaced() -> None:
    [[_, _, server]] = ask(environment)
    os.kill(server, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(server)] if psutil.pid_exists(server) else [], timeout=5)
    assert ask(counting, most=1) == [0]
