"""What leaves this machine unprotected needs an explicit word."""

from typing import Any

import pytest

from include.common.errors import NotConfigured
from include.common.sealing import new_key
from ops.__main__ import sentence
from ops.settings.env_file import Settings
from ops.settings.transport import require_protection

REFUSED: list[tuple[str, dict[str, str]]] = [
    ("s3.example", {"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "http://S3.example:9000"}),
    ("10.0.0.7", {"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "http://10.0.0.7:9000"}),
    ("second.example", {"backup_url": "s3://copies", "backup_s3_endpoint_url": "http://second.example"}),
    ("stt.example", {"openai_base_url": "http://stt.example/v1"}),
    ("ch.example", {"ch_host": "ch.example", "ch_secure": "false", "ch_password": "hunter2"}),
    ("db.example", {"database_url": "postgresql://u:hunter2@db.example/calls"}),
    ("db.example", {"database_url": "postgresql://u:hunter2@db.example/calls?sslmode=require"}),
    ("db2.example", {"database_url": "postgresql://u:hunter2@127.0.0.1:1,db2.example:2/calls"}),
    ("10.0.0.8", {"database_url": "postgresql://u:hunter2@localhost/calls?hostaddr=10.0.0.8"}),
]
ACCEPTED: list[dict[str, str]] = [
    {},
    {"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "https://s3.example"},
    {"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "http://127.0.0.1:9000"},
    {"storage_backend": "s3", "s3_bucket": "calls", "s3_endpoint_url": "http://[::1]:9000"},
    {"s3_endpoint_url": "http://not-used.example"},
    {"database_url": "postgresql://u:p@db.example/calls?sslmode=verify-full"},
    {"database_url": "postgresql://u:p@/calls?host=/var/run/postgresql"},
    {"database_url": "postgresql://u:p@localhost/calls"},
    {"ch_host": "ch.example"},
    {"ch_host": "127.0.0.1", "ch_secure": "false"},
]


def settings_of(values: dict[str, str]) -> Settings:
    found: dict[str, Any] = {
        "b24_base_url": "https://company.bitrix24.ru", "b24_webhook_user_id": "7", "b24_webhook_token": "t", **values
    }  # fmt: skip
    if "backup_url" in values:
        found["backup_key"] = new_key()
    return Settings(**found)


@pytest.mark.parametrize(("host", "values"), REFUSED)
def test_the_host_is_named_and_may_be_allowed(host: str, values: dict[str, str]) -> None:
    with pytest.raises(NotConfigured) as caught:
        require_protection(settings_of(values))
    assert f"UNPROTECTED_HOSTS={host}" in sentence(caught.value)
    assert "hunter2" not in str(caught.value)
    require_protection(settings_of({**values, "unprotected_hosts": f"other, {host}"}))


@pytest.mark.parametrize("values", ACCEPTED)
def test_what_is_protected_or_local_needs_no_word(values: dict[str, str]) -> None:
    require_protection(settings_of(values))
