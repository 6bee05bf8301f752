"""A state of its own for each test."""

from collections.abc import Iterator

import pytest

from include.calls.state.state import State


@pytest.fixture
def state(database: str) -> Iterator[State]:
    with State.open(database) as state:
        yield state
