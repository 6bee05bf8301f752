"""Setup and teardown of a batch's task never change what became of the batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from include.common.errors import QuotaExhausted, Temporary
from plugins.calls import task_context, tasks

RUN = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")


class LostState:
    """Answers before the batch's work and not after it."""

    def __init__(self) -> None:
        self.work = self.runs = self

    def batch_facts(self, *_: object) -> Any:
        return SimpleNamespace(records=2, minutes=3.0)

    def get(self, *_: object) -> Any:
        return SimpleNamespace(metadata={}, stop=None)

    def progress(self, *_: object) -> str:
        raise Temporary("the state database is away")


@pytest.fixture(autouse=True)
def slack(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Replaces the state and Slack; returns the runs that Slack was asked about."""

    @contextmanager
    def open_state(*_: object) -> Iterator[LostState]:
        yield LostState()

    asked: list[UUID] = []
    monkeypatch.setattr(task_context, "open_state", open_state)
    monkeypatch.setattr(task_context.slack_messages, "low_rate_switched", lambda _, run_id: asked.append(run_id))
    monkeypatch.setattr(tasks, "is_fresh", lambda _: True)
    return asked


def downloading(monkeypatch: pytest.MonkeyPatch, result: int | Exception) -> None:
    def fetch_batch(*_: object, **__: object) -> int:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(tasks, "fetch_batch", fetch_batch)


def test_failed_teardown_does_not_hide_a_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, slack: list[UUID]
) -> None:
    """A stop ends the whole run; taken for a temporary failure, the other batches would go on spending."""
    downloading(monkeypatch, QuotaExhausted("no money is left"))
    context: Any = {}
    with pytest.raises(QuotaExhausted):
        tasks.download(context, RUN, 1)
    assert "the run's progress was not shown: Temporary" in caplog.text
    assert slack == [RUN]


def test_failed_teardown_leaves_a_finished_batch_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    downloading(monkeypatch, 2)
    context: Any = {}
    assert tasks.download(context, RUN, 1) == 2
    assert context["batch_label"] == "пачка 1: 2\N{NO-BREAK SPACE}записи, 3 мин"
