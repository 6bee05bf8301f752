"""Ids from strangers as file names: reversible, bounded, and never two in one name."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.calls.domain.storage_keys import (
    MAX_NAME_BYTES,
    RecordingKeys,
    delivered_key,
    estimate_key,
    file_name_of,
    log_key,
    original_id,
    part_of,
    portal_part,
    registry_key,
    report_key,
    safe_name,
)
from include.common.periods import Period

AUGUST = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 31, 23, 59, 59, tzinfo=UTC))

ids = st.text(st.characters(codec=None), max_size=300)
# few characters, those that matter: collisions are found here if there are any
tricky = st.text(st.sampled_from("aAbBfF019._-~%/\\ eExXсСñ\0"), max_size=12)


@pytest.mark.parametrize(
    "real",
    [
        "11018129443EB80D.1754478570.11438214",
        "externalCall.716f5c2d9a1b4e6f8091a2b3c4d5e6f7.1754478570",
        "9079",
        "url-0123456789abcdef",
        "none-4711",
    ],
)
def test_real_ids_stay_readable(real: str) -> None:
    assert safe_name(real) == real


@pytest.mark.parametrize(
    ("hostile", "name"),
    [
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a\0b", "a%00b"),
        ("con", "%63on"),
        ("CON.txt", "%43%4F%4E.txt"),
        ("lpt1", "%6Cpt1"),
        ("name.", "name%2E"),
        ("a_b", "a%5Fb"),
        ("a~b", "a%7Eb"),
        ("100%", "100%25"),
        ("11018129443eb80d.1754478570.11438214", "11018129443%65%6280%64.1754478570.11438214"),
        ("EXTERNALCALL.716f", "%45%58%54%45%52%4E%41%4C%63%41%4C%4C.716f".replace("%63%41", "C%41")),
        ("звонок", "%D0%B7%D0%B2%D0%BE%D0%BD%D0%BE%D0%BA"),
        ("📞", "%F0%9F%93%9E"),
        ("", ""),
    ],
)
def test_everything_else_is_percent_encoded(hostile: str, name: str) -> None:
    assert safe_name(hostile) == name
    assert original_id(name) == hostile


@given(ids)
@example("\ud800")
@example("A" * 300)
@example("📞" * 50)
def test_a_name_is_ascii_bounded_and_safe_on_every_file_system(any_id: str) -> None:
    name = safe_name(any_id)
    assert re.fullmatch(r"[A-Za-z0-9.%~-]*", name)
    assert len(name) <= MAX_NAME_BYTES
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name, re.IGNORECASE)


@given(st.text(st.characters(codec=None), max_size=40))
def test_the_id_comes_back(any_id: str) -> None:
    name = safe_name(any_id)
    if "~" not in name:
        assert original_id(name) == any_id


@given(tricky, tricky)
@example("ABC", "abc")
@example("11018129443EB80D.1", "11018129443eb80d.1")
@example("externalCall.A", "externalcall.a")
@example("a" * 130, "a" * 131)
@example("A" * 116 + "b", "A" * 116 + "c")
@example("é", "e\u0301")
def test_two_ids_never_share_a_name_even_where_case_is_ignored(one: str, other: str) -> None:
    if one != other:
        assert safe_name(one).lower() != safe_name(other).lower()


def test_a_shortened_name_says_where_its_id_is() -> None:
    name = safe_name("a" * 200)
    assert len(name) == MAX_NAME_BYTES
    assert name.startswith("a" * 80)
    with pytest.raises(ValueError, match="registry"):
        original_id(name)


@given(ids, ids)
@example("📞" * 100, "ю" * 100)
def test_every_file_name_fits_255_bytes(call_id: str, record_id: str) -> None:
    keys = RecordingKeys(file_name_of(call_id, record_id, several=True, portal_id=32767), date(2025, 8, 6))
    for key in (keys.raw("webm"), keys.transcript, keys.recognition, keys.summary):
        assert len(key.rsplit("/", 1)[1].encode()) <= 255
        assert ".." not in key.split("/")


@given(tricky, tricky, tricky)
@example("a", "b", "a_b")
def test_several_recordings_never_meet_another_call(call: str, record: str, other: str) -> None:
    several = file_name_of(call, record, several=True, portal_id=1)
    single = file_name_of(other, "1", several=False, portal_id=1)
    assert several.lower() != single.lower()


@given(tricky, tricky, st.integers(1, 50), st.integers(1, 50))
def test_portals_never_share_a_file_name(call: str, other: str, portal: int, another: int) -> None:
    if (call, portal) != (other, another):
        one = file_name_of(call, "9", several=False, portal_id=portal)
        assert one.lower() != file_name_of(other, "9", several=False, portal_id=another).lower()


def test_the_first_portal_has_plain_names() -> None:
    assert portal_part(1) == ""
    assert file_name_of("11018129443EB80D.1.2", "9079", several=False, portal_id=1) == "call_11018129443EB80D.1.2"
    assert file_name_of("c.1", "9079", several=True, portal_id=2) == "call_c.1_9079_at2"


def test_the_layout_is_the_documented_one() -> None:
    started = datetime(2025, 8, 7, 1, 30, tzinfo=timezone(timedelta(hours=3)))  # still the sixth in UTC
    keys = RecordingKeys.of("call_11018129443EB80D.1.2", started)
    assert keys.raw("mp3") == "raw/2025/08/06/call_11018129443EB80D.1.2.mp3"
    assert keys.transcript == "transcripts/2025/08/06/call_11018129443EB80D.1.2.txt"
    assert keys.recognition == "recognition/2025/08/06/call_11018129443EB80D.1.2.json"
    assert keys.summary == "summary/2025/08/06/call_11018129443EB80D.1.2.md"
    assert registry_key(AUGUST) == "exports/2025-08-01_2025-08-31/registry/calls_2025-08-01_2025-08-31.csv"
    assert registry_key(AUGUST, suffix=".xlsx").endswith("/registry/calls_2025-08-01_2025-08-31.xlsx")
    assert report_key(AUGUST, ".pdf") == "exports/2025-08-01_2025-08-31/reports/summary_2025-08-01_2025-08-31.pdf"
    assert estimate_key(AUGUST) == "exports/2025-08-01_2025-08-31/reports/estimate_2025-08-01_2025-08-31.md"
    assert log_key(AUGUST, started, UUID(int=7)) == (
        "exports/2025-08-01_2025-08-31/logs/call_export_20250806T223000Z_00000000-0000-0000-0000-000000000007.jsonl"
    )


@pytest.mark.parametrize(
    ("key", "copy"),
    [
        ("transcripts/2025/08/06/call_1.txt", "transcripts/call_1.txt"),
        ("summary/2025/08/06/call_1.md", "summary/call_1.md"),
        ("raw/2025/08/06/call_1.mp3", "raw/2025/08/06/call_1.mp3"),
    ],
)
def test_copies_in_a_periods_folder(key: str, copy: str) -> None:
    """Texts lie flat, their names are unique; audio keeps the folders of its day."""
    assert delivered_key(AUGUST.folder, key) == f"exports/2025-08-01_2025-08-31/{copy}"


def test_files_keep_their_day() -> None:
    """A portal that corrects the time of a call does not tear the files of its recording apart."""
    corrected = datetime(2025, 8, 9, 12, tzinfo=UTC)
    keys = RecordingKeys.of("call_1", corrected, None, "raw/2025/08/06/call_1.mp3")
    assert keys.transcript == "transcripts/2025/08/06/call_1.txt"
    assert RecordingKeys.of("call_1", corrected, "somewhere/else").day == date(2025, 8, 9)


@pytest.mark.parametrize(
    ("start", "end", "end_given", "trial", "part"),
    [
        ("2025-08-01T00:00:00", "2025-08-31T23:59:59", True, False, ""),
        ("2025-08-01T00:00:00", "2025-08-31T02:00:07", False, False, ""),
        ("2025-08-01T00:00:00", "2025-08-31T02:00:07", True, False, "_000000-020007"),
        ("2025-08-01T10:00:00", "2025-08-01T12:00:00", True, False, "_100000-120000"),
        ("2025-08-01T10:00:00", "2025-08-31T02:00:07", False, False, "_100000-020007"),
        ("2025-08-01T00:00:00", "2025-08-31T23:59:59", True, True, "_trial"),
    ],
    ids=["days", "every night until now", "until an hour", "some hours", "from an hour until now", "a trial"],
)
def test_files_about_a_part_of_the_calls_have_names_of_their_own(
    start: str, end: str, end_given: bool, trial: bool, part: str
) -> None:
    period = Period(*(datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (start, end)))
    assert part_of(period, end_given=end_given, trial=trial) == part
    assert registry_key(period, part).endswith(f"/calls_{period.folder}{part}.csv")
    assert report_key(period, ".md", part).endswith(f"/summary_{period.folder}{part}.md")
    assert estimate_key(period, part).endswith(f"/estimate_{period.folder}{part}.md")
