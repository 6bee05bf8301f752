"""A chain of entries shows each way of changing it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.calls.domain.audit_chain import Action, Break, Ends, Entry, Fault, Noted, breaks, hash_of
from include.calls.wording import audit as wording

START = datetime(2025, 8, 1, 12, tzinfo=UTC)


def chain(count: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, count + 1):
        entry = Entry(
            entry_no=number,
            at=START + timedelta(seconds=number),
            action=Action.CALL_CHECKED,
            actor="Аналитик",
            database_role="app",
            run_id=None,
            call_id=f"call.{number}",
            record_id=None,
            reason="",
            detail='{"result": "ok"}',
            previous_hash=entries[-1].hash if entries else "",
            hash="",
        )
        entries.append(replace(entry, hash=hash_of(entry)))
    return entries


WHOLE = chain(6)
ENDS = Ends(first_no=1, first_previous_hash="", last_no=6, last_hash=WHOLE[-1].hash)


def found(entries: Sequence[Entry], ends: Ends = ENDS) -> list[Break]:
    return list(breaks(entries, ends))


def test_an_untouched_chain_is_whole() -> None:
    assert found(WHOLE) == []
    assert found([], Ends(1, "", 0, "")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "another"},
        {"at": START},
        {"action": "read"},
        {"database_role": "postgres"},
        {"call_id": None},
        {"record_id": "call.3"},
        {"reason": " "},
        {"detail": '{"result": "issue"}'},
    ],
)
def test_a_changed_entry_is_named(change: dict[str, object]) -> None:
    assert found([*WHOLE[:2], replace(WHOLE[2], **change), *WHOLE[3:]]) == [Break(Fault.CHANGED, 3)]


def test_a_changed_entry_with_a_fresh_hash_is_not_what_the_next_one_follows() -> None:
    forged = replace(WHOLE[2], actor="another")
    forged = replace(forged, hash=hash_of(forged))
    assert found([*WHOLE[:2], forged, *WHOLE[3:]]) == [Break(Fault.UNLINKED, 4)]


def test_a_field_cannot_flow_into_the_next() -> None:
    entry = replace(WHOLE[0], actor="ab", database_role="c")
    assert hash_of(entry) != hash_of(replace(entry, actor="a", database_role="bc"))


def test_a_removed_entry_is_named() -> None:
    assert Break(Fault.MISSING, 3) in found([*WHOLE[:2], *WHOLE[3:]])


def test_entries_that_changed_places_are_found() -> None:
    third, fourth = replace(WHOLE[2], entry_no=4), replace(WHOLE[3], entry_no=3)
    swapped = [*WHOLE[:2], *(replace(entry, hash=hash_of(entry)) for entry in (fourth, third)), *WHOLE[4:]]
    assert found(swapped) == [Break(Fault.UNLINKED, number) for number in (3, 4, 5)]
    assert {each.fault for each in found([*WHOLE[:2], WHOLE[3], WHOLE[2], *WHOLE[4:]])} == {
        Fault.MISSING,
        Fault.UNLINKED,
    }


def test_a_cut_beginning_and_a_cut_tail_are_found() -> None:
    assert found(WHOLE[2:]) == [Break(Fault.BEGINNING_CUT, 1)]
    assert found(WHOLE[:4]) == [Break(Fault.TAIL_CUT, 5)]
    assert found([]) == [Break(Fault.TAIL_CUT, 1)]


def test_a_tail_that_was_cut_with_its_end_is_found_by_a_noted_entry_only() -> None:
    forged = Ends(1, "", 4, WHOLE[3].hash)
    assert found(WHOLE[:4], forged) == []
    noted = Noted(6, WHOLE[5].hash[:12])
    assert any(map(noted.is_entry, WHOLE))
    assert not any(map(noted.is_entry, WHOLE[:4]))


def test_a_forgotten_beginning_is_no_break() -> None:
    assert found(WHOLE[2:], replace(ENDS, first_no=3, first_previous_hash=WHOLE[1].hash)) == []


def test_every_action_and_fault_has_words() -> None:
    assert set(wording.ACTIONS) == set(Action)
    assert set(wording.FAULTS) == set(Fault)
    assert wording.action("of_a_later_release") == "of_a_later_release"
