"""A report whose pictures and PDF are drawn once for all tests of a process.

They are most of a small run's time and show nothing of what a run does; the Markdown, which is rendered each time, has
the same figures. Tests of the drawing itself: tests/integration/calls/reporting, test_hostile_run.py, test_publish.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any, Self, TypeVar

import pytest

from include.calls.domain.report_figures import RunFigures
from include.calls.reporting.pictures import draw
from include.common.run_in_subprocess import Subprocess

T = TypeVar("T")

_PICTURES: dict[str, bytes] = {}


class InThisProcess:
    """In place of `Subprocess`."""

    def __init__(self, *_modules: str) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return function(*args, **kwargs)


@contextmanager
def undrawn_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("include.calls.steps.publish.Subprocess", InThisProcess)
        patch.setattr("include.calls.reporting.report.draw", _drawn_once)
        patch.setattr("include.calls.reporting.report._pdf", lambda *_: b"%PDF-")
        yield


@contextmanager
def drawn_report() -> Iterator[None]:
    """Undoes `undrawn_report` of an export that goes on around this one, in a fixture of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("include.calls.steps.publish.Subprocess", Subprocess)
        yield


def _drawn_once(figures: RunFigures, zone: tzinfo) -> dict[str, bytes]:
    if not _PICTURES:
        _PICTURES.update(draw(figures, zone))
    return _PICTURES
