"""The list of protections fits the code: an edit of a protection has to be made in the list as well."""

from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from trials.mutate.protections import PROTECTIONS, Protection


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda one: one.name)
def test_its_text_is_in_its_file_exactly_once(protection: Protection) -> None:
    whole = (ROOT / protection.file).read_text(encoding="utf-8")
    assert whole.count(protection.old) == 1
    mutant = whole.replace(protection.old, protection.new)
    assert mutant != whole
    if protection.file.endswith(".py"):
        compile(mutant, protection.file, "exec")


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda one: one.name)
def test_its_tests_exist(protection: Protection) -> None:
    files = [Path(ROOT / name) for name in protection.tests if name.endswith(".py")]
    assert files
    assert all(file.is_file() for file in files)


def test_there_are_twenty_with_a_name_each() -> None:
    assert len({protection.name for protection in PROTECTIONS}) == len(PROTECTIONS) >= 20
