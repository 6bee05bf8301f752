"""SIGTERM of a task: it gives its work back instead of being killed in the middle of a request.

Airflow's own handler only calls `on_kill` and lets the task go on (3.3.2), so nothing here depends on it.
"""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import Any

log = logging.getLogger(__name__)


@contextmanager
def stop_asked() -> Iterator[Event]:
    """An event that SIGTERM sets during the block. The host of this task is to stop: what is under way may end."""
    asked = Event()
    if current_thread() is not main_thread():
        yield asked
        return

    def on_term(_number: int, _frame: Any) -> None:
        asked.set()

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
        if asked.is_set():
            log.warning("this task was asked to stop: it has handed back what it had not begun")
