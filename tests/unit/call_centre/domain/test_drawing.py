"""Which calls are drawn."""

from include.call_centre.domain.drawing import Candidate, drawn, sheet, split

CALLS = [Candidate(f"{number:064}", f"call-{number}", (str(number % 7), "inbound")) for number in range(700)]
RARE = Candidate("f" * 64, "call-rare", ("9", "outbound"))


def test_a_share_is_about_that_share_and_each_stratum_has_a_call() -> None:
    found = drawn([*CALLS, RARE], 0.1)
    assert 45 <= len(found) <= 95
    assert RARE in found


def test_a_call_that_was_drawn_stays_drawn() -> None:
    first = {one.checksum for one in drawn(CALLS, 0.2)}
    assert first <= {one.checksum for one in drawn([*CALLS, RARE], 0.2)}


def test_a_sheet_has_rare_strata() -> None:
    found = sheet([*CALLS, RARE], 16)
    assert len(found) == 16
    assert RARE in found


def test_a_split_is_of_an_employee_and_a_day() -> None:
    parts = [split(str(employee), f"2026-11-{day:02}") for employee in range(40) for day in range(1, 26)]
    assert 0.25 < parts.count("heldout") / len(parts) < 0.35
    assert split("1", "2026-11-01") == split("1", "2026-11-01")
