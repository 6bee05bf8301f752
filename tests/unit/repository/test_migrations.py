"""The migrations form one chain, each with its SQL beside it."""

import re

from tests.kit.paths import ROOT

VERSIONS = ROOT / "include" / "calls" / "state" / "migrations" / "versions"


def test_each_migration_follows_the_one_before():
    """Two with one number come from two branches that were right alone; the migration would stop at the first start."""
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    found = [dict(re.findall(r'^(revision|down_revision)[^=]*= "?(\w+)"?$', file.read_text(), re.M)) for file in files]
    numbers = [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [one["revision"] for one in found] == numbers
    assert [one["down_revision"] for one in found] == ["None", *numbers[:-1]]
    assert [file.name[:4] for file in files] == numbers
    assert [file.with_suffix(".sql").exists() for file in files] == [True] * len(files)
