"""The spend of a day is whole, whatever the ads of it add up to; one key has one row."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.clients.advertising import AdDay, DayTotal, SourceAd
from include.common.errors import ContractBroken
from include.sales.domain.advertising_rows import DaySums, labels, one_row_a_key
from include.sales.domain.scopes import Counters
from include.sales.domain.window_checks import is_suspect

DAY = date(2026, 11, 1)
MONEY = st.decimals(0, 100_000, places=2)
ROWS = st.lists(
    st.builds(
        AdDay,
        st.integers(0, 3).map(lambda n: DAY + timedelta(n)),
        st.integers(1, 2),
        st.just(0),
        st.integers(0, 2),
        st.integers(0, 9),
        st.integers(0, 9),
        MONEY,
    ),
    max_size=12,
).map(lambda rows: sorted(rows, key=lambda row: row.day))


@given(ROWS)
def test_each_key_once_and_all_its_money(rows: list[AdDay]) -> None:
    merged = [row for page in one_row_a_key([rows[:5], rows[5:]]) for row in page]
    assert len({row[:4] for row in merged}) == len(merged)
    assert sum(row.money for row in merged) == sum(row.money for row in rows)
    assert {row[:4] for row in merged} == {row[:4] for row in rows}


def test_days_out_of_order_are_refused() -> None:
    late, early = AdDay(DAY + timedelta(1), 1, 1, 1, 0, 0, Decimal(0)), AdDay(DAY, 1, 1, 1, 0, 0, Decimal(0))
    with pytest.raises(ContractBroken):
        list(one_row_a_key([[late], [early]]))


@given(ROWS, st.dictionaries(st.integers(0, 3).map(lambda n: DAY + timedelta(n)), MONEY))
def test_ads_and_what_is_beyond_them_are_the_accounts_total(rows: list[AdDay], totals: dict[date, Decimal]) -> None:
    """To the kopeck of rounding for each row of the day."""
    sums = DaySums()
    for row in rows:
        sums.add(row)
    beyond = sums.unattributed({day: DayTotal(0, 0, money) for day, money in totals.items()}, 0.01, Counters())
    for day, total in totals.items():
        of_day = [row for row in rows if row.day == day]
        whole = sum((row.money for row in [*of_day, *(one for one in beyond if one.day == day)]), Decimal(0))
        assert abs(whole - total) <= Decimal("0.01") * len(of_day)


def test_rounding_is_no_gap_and_a_percent_is_a_finding() -> None:
    sums, counters = DaySums(), Counters()
    sums.add(AdDay(DAY, 1, 1, 1, 1, 1, Decimal("99.99")))
    assert sums.unattributed({DAY: DayTotal(1, 1, Decimal("100.00"))}, 0.01, counters) == []
    (gap,) = sums.unattributed({DAY: DayTotal(5, 1, Decimal("100.50"))}, 0.01, counters)
    assert (gap.ad_id, gap.impressions, gap.money, counters.findings) == (0, 4, Decimal("0.51"), {})
    sums.unattributed({DAY: DayTotal(5, 1, Decimal("150.00"))}, 0.01, counters)
    assert counters.findings == {"reconciliation_gap": 1}


def test_labels_are_the_sources_own_before_those_of_the_link() -> None:
    link = "https://example.org/?utm_source=link&utm_content=kazan_05_06"
    own = SourceAd(1, 1, 1, "", "", "", link, "utm_source=own", "active")
    plain = SourceAd(2, 1, 1, "", "", "", link, "", "active")
    template = SourceAd(3, 1, 1, "", "", "", "https://example.org/?utm_campaign={campaign_id}", "", "active")
    found = labels([own, plain, template])
    assert found[1][0].source == "own"
    assert (found[2][0].source, found[2][1].city) == ("link", "kazan")
    assert found[3][0].campaign == "{campaign_id}"


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_nothing_where_there_was_something_is_always_suspected(known: int, absent: int, came: int) -> None:
    suspected = is_suspect(known, absent, came, share=0.2, keys=50)
    assert suspected or came > 0 or known == 0
    assert not suspected or came == 0 or (absent > 50 and absent > 0.2 * known)
    assert not suspected or is_suspect(known, absent + 1, came, share=0.2, keys=50)
