"""A folder of a bucket belongs to one installation; two at once: tests/integration/ops/test_two_installations.py."""

from pathlib import Path
from typing import Any

import pytest

from include.calls.state.state import State
from include.calls.steps.claim_storage import MARK, claim_storage
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import NotConfigured
from tests.integration.ops.test_two_installations import migrated_copy

pytestmark = [pytest.mark.postgres, pytest.mark.s3]


def test_its_own_installation_is_let_in_again(database: str, s3_client: Any, s3_bucket: str) -> None:
    storage = S3Storage(s3_bucket, "calls", s3_client)
    with State.open(database) as state:
        claim_storage(storage, state)
        mark = storage.get_bytes(MARK)
        claim_storage(storage, state)
    assert storage.get_bytes(MARK) == mark


def test_a_copy_of_the_database_is_another_installation(database: str, s3_client: Any, s3_bucket: str) -> None:
    """As a staging system is made of production's copy."""
    storage = S3Storage(s3_bucket, "", s3_client)
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


def test_a_folder_is_not_marked(database: str, tmp_path: Path) -> None:
    with State.open(database) as state:
        claim_storage(LocalStorage(tmp_path), state)
    assert not list(tmp_path.iterdir())
