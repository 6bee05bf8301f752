"""SIGTERM of a task is a question that its work answers, and only as long as it works."""

import os
import signal
from threading import Thread

from plugins.airflow_kit.stop_signal import stop_asked


def test_a_signal_sets_the_event_and_the_earlier_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_asked() as asked:
        assert not asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.wait(120)
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def look() -> None:
        with stop_asked() as asked:
            seen.append((asked.is_set(), signal.getsignal(signal.SIGTERM)))

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
