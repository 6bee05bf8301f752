"""Which backups may go."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.sales.domain.backup_chains import Kept, expired

NOW = datetime(2026, 11, 29, tzinfo=UTC)
FULL, INCREMENTAL = timedelta(days=28), timedelta(days=7)


def kept(name: str, base: str | None, days: float) -> Kept:
    return Kept(name, base, NOW - timedelta(days=days))


def gone(*backups: Kept) -> list[str]:
    return expired(backups, NOW, full=FULL, incremental=INCREMENTAL)


def test_increments_go_after_a_week_and_their_full_backup_after_four() -> None:
    old = [kept("full", None, 20), kept("incr1", "full", 19.8), kept("incr2", "incr1", 19.6)]
    assert gone(*old, kept("new", None, 0)) == ["incr2", "incr1"]
    assert gone(kept("full", None, 29), kept("incr1", "full", 28.5), kept("new", None, 0)) == ["incr1", "full"]


def test_what_a_younger_one_is_built_on_stays() -> None:
    assert gone(kept("full", None, 29), kept("incr1", "full", 8), kept("incr2", "incr1", 6), kept("new", None, 0)) == []


def test_the_newest_backup_stays_with_its_chain_however_old() -> None:
    assert gone(kept("full", None, 90), kept("incr1", "full", 89)) == []
    assert gone() == []


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.integers(0, 30), st.booleans()),
        min_size=1,
        max_size=30,
        unique_by=lambda t: t[0],
    )
)
def test_no_base_goes_before_what_is_built_on_it(drawn: list[tuple[float, int, bool]]) -> None:
    backups: list[Kept] = []
    for number, (days, of, is_full) in enumerate(sorted(drawn, reverse=True)):
        base = None if is_full or not backups else backups[of % len(backups)].backup
        backups.append(kept(f"b{number}", base, days))
    names = gone(*backups)
    left = [one.backup for one in backups]
    for name in names:
        left.remove(name)
        bases = {one.base for one in backups if one.backup in left}
        assert name not in bases
    assert backups[-1].backup in left
