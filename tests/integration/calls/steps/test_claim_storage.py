"""A storage belongs to one installation."""

from pathlib import Path

import pytest

from include.calls.state.state import State
from include.calls.steps.claim_storage import MARK, claim_storage
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured
from tests.integration.ops.test_two_installations import migrated_copy

pytestmark = pytest.mark.postgres


def test_its_own_installation_is_let_in_again(database: str, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with State.open(database) as state:
        claim_storage(storage, state)
        mark = storage.get_bytes(MARK)
        claim_storage(storage, state)
    assert storage.get_bytes(MARK) == mark


def test_a_copy_of_the_database_is_another_installation(database: str, tmp_path: Path) -> None:
    """As a staging system is made of production's copy."""
    storage = LocalStorage(tmp_path)
    with State.open(database) as production:
        claim_storage(storage, production)
    before = storage.get_bytes(MARK)
    with (
        migrated_copy(database) as copy,
        State.open(copy) as staging,
        pytest.raises(NotConfigured, match="S3_PREFIX"),
    ):
        claim_storage(storage, staging)
    assert storage.get_bytes(MARK) == before
