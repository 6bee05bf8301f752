"""What surrounds a batch's work never changes what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from include.calls.domain.stages import Stage
from include.common.errors import QuotaExhausted, Temporary
from plugins.calls import task_context as task_frame

RUN = "0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11"


class StateThatFallsAway:
    """Answers before the batch's work and not after it."""

    def batch_facts(self, *_: object) -> Any:
        return SimpleNamespace(records=2, minutes=3.0)

    def run(self, *_: object) -> None:
        return None

    def progress_sentence(self, *_: object) -> str:
        raise Temporary("the state database is away")


@pytest.fixture(autouse=True)
def no_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def step(*_: object) -> Iterator[StateThatFallsAway]:
        yield StateThatFallsAway()

    monkeypatch.setattr(task_frame, "step", step)


def test_a_stop_is_not_hidden_by_a_progress_that_cannot_be_told(caplog: pytest.LogCaptureFixture) -> None:
    """It ends the whole run; taken for a passing trouble, the other batches would go on spending."""
    context: Any = {}
    with pytest.raises(QuotaExhausted), task_frame.batch_of(context, RUN, 1, Stage.PUBLISH, "распознаём"):
        raise QuotaExhausted("no money is left")
    assert "the run's progress was not shown: Temporary" in caplog.text


def test_a_batch_that_is_done_stays_done() -> None:
    context: Any = {}
    with task_frame.batch_of(context, RUN, 1, Stage.PUBLISH, "распознаём"):
        pass
    assert context["batch_label"] == "пачка 1: 2 записей, 3 мин"
