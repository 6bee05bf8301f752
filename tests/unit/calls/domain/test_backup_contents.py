"""Ids of backups, and which files no pack has yet."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.backup_contents import FileEntry, backup_id_of, compared, made_at_of
from include.common.errors import BadInput

keys = st.text("a/b.-", min_size=1, max_size=6)
files = st.dictionaries(keys, st.tuples(st.integers(0, 3), st.sampled_from("xyz")), max_size=20)


def entries(found: dict[str, tuple[int, str]], pack: str = "") -> list[FileEntry]:
    return [FileEntry(key, *found[key], pack) for key in sorted(found, key=str.encode)]


@given(files, files)
def test_a_file_is_known_if_it_is_the_same(before: dict[str, tuple[int, str]], now: dict[str, tuple[int, str]]) -> None:
    found = list(compared(entries(before, "p"), entries(now)))
    assert [file.key for file, _ in found] == [file.key for file in entries(now)]
    assert {file.key for file, known in found if known} == {key for key in now if before.get(key) == now[key]}
    assert all(file.pack == ("p" if known else "") for file, known in found)


def test_an_id_says_when() -> None:
    at = datetime(2026, 11, 29, 0, 15, tzinfo=UTC)
    assert made_at_of(backup_id_of(at, "0a1b2c")) == at


@pytest.mark.parametrize("text", ["", "latest", "20261129T001500Z", "../20261129T001500Z-0a1b2c"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        made_at_of(text)
