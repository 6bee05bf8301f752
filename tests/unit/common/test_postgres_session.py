"""Every file of queries, as `Session` reads it."""

import logging

import pytest

from include.common.postgres_session import _statements
from tests.kit.paths import ROOT

FILES = sorted(file for file in ROOT.glob("include/*/state/*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_query_is_read_without_a_word(file, caplog):
    """The library warns of a statement that is no query; an operator would read that in the middle of a command."""
    _statements.cache_clear()
    with caplog.at_level(logging.WARNING):
        _statements(file)
    assert caplog.messages == []
