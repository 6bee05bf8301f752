"""Migrations of each area follow each other: two of one number would stop every start."""

import re
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

FOLDERS = sorted(path for path in ROOT.glob("include/*/state/migrations/versions") if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_migration_has_a_number_of_its_own_and_follows_the_one_before(folder: Path) -> None:
    before = None
    files = sorted(folder.glob("[0-9]*.py"))
    assert files
    for number, file in enumerate(files, 1):
        text = file.read_text(encoding="utf-8")
        revision, follows = (
            re.search(rf"^{name}(?:: .*?)? = (.*)$", text, re.MULTILINE) for name in ("revision", "down_revision")
        )
        assert revision
        assert revision[1].strip('"') == f"{number:04}" == file.name[:4]
        assert follows
        assert follows[1].strip('"') == str(before)
        before = revision[1].strip('"')
