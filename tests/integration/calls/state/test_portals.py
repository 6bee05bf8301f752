"""A portal is known by its address, and by its rows if the address has changed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.calls.state.state import State
from tests.kit.state_samples import call, opened, rows, selected

pytestmark = pytest.mark.postgres


def sample(*numbers: int) -> list[tuple[int, str]]:
    return [(number, call(number).call_id) for number in numbers]


def test_an_address_leads_to_the_same_portal_each_time(state: State) -> None:
    assert state.portals.of("a.example", sample(1)) == state.portals.of("a.example", [])
    assert state.portals.of("b.example", sample(2)) == 2


def test_a_renamed_portal_keeps_its_recordings(state: State, database: str) -> None:
    run = opened(state, "1", call(1), call(2), host="old.example")
    renamed = opened(state, "2", call(1), call(2), call(3), host="new.example")
    assert renamed.portal_id == run.portal_id
    assert len(rows(state, renamed)) == 3
    renames = selected(database, "SELECT detail ->> 'host' FROM call_events WHERE event = 'portal_renamed'")
    assert renames == [("new.example",)]
    assert state.portals.of("new.example", []) == run.portal_id


def test_a_port_is_part_of_the_address(state: State) -> None:
    opened(state, "1", call(1), host="portal.example:8443")
    assert state.portals.of("portal.example", []) == 2


def test_the_same_number_with_another_call_id_is_another_portal(state: State) -> None:
    opened(state, "1", call(1), call(2), host="a.example")
    other = opened(state, "2", call(1, call_id="another call"), call(2), host="b.example")
    assert other.portal_id == 2


def test_two_portals_may_have_calls_with_equal_ids(state: State) -> None:
    first = opened(state, "1", call(1), host="a.example")
    second = opened(state, "2", call(2, call_id=call(1).call_id, record_id="501"), host="b.example")
    assert [row.key for row in rows(state, first)] == [row.key for row in rows(state, second)]
    assert rows(state, first)[0].recording_id != rows(state, second)[0].recording_id
    assert [row.several for row in (*rows(state, first), *rows(state, second))] == [False, False]


def test_two_processes_that_meet_a_portal_at_once_agree(database: str) -> None:
    def meet(_: int) -> int:
        with State.open(database) as state:
            return state.portals.of("portal.example", [])

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(meet, range(8))) == {1}
