"""Which calls tombstones cover."""

from datetime import UTC, datetime, timedelta

from include.calls.domain.erasure import SubjectKind, Tombstone
from include.calls.domain.erasure_hashes import ErasedCalls, ErasureKey
from include.calls.state.erasures import Candidate


def test_of_two_demands_for_a_number_the_later_end_counts() -> None:
    key, early, late = ErasureKey.of("key"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    stones = [Tombstone(key.of_number("+79991234567"), SubjectKind.NUMBER, key.name, end) for end in (late, early)]
    call = Candidate(1, 1, "call-1", "+79991234567", "+74950000000", "+74950000000", late)
    assert ErasedCalls(stones, key).cover(call, late)
    assert not ErasedCalls(stones, key).cover(call, late + timedelta(seconds=1))
    endless = Tombstone(stones[0].hash, SubjectKind.NUMBER, key.name, None)
    assert ErasedCalls([stones[0], endless, stones[1]], key).cover(call, late + timedelta(days=1))
