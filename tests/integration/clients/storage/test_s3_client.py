"""The one client of S3: what a connection may say, and that tasks, command line and backups read it alike."""

from typing import Any

import pytest

from include.clients.storage.from_connection import storage_of
from include.clients.storage.s3 import S3Storage
from include.clients.storage.s3_client import s3_client
from include.common.errors import NotConfigured
from simulators.kit.in_process import running
from tests.integration.clients.storage.s3_front import S3Front

pytestmark = pytest.mark.s3

TEXT = "text/plain"


@pytest.fixture
def extra(s3_server: str, s3_bucket: str) -> dict[str, Any]:
    return {"endpoint_url": s3_server, "region_name": "us-east-1", "bucket": s3_bucket}


def client_of(extra: dict[str, Any]) -> Any:
    return s3_client("test", "test", extra)


def test_a_role_is_taken_with_the_keys_of_the_connection(
    extra: dict[str, Any], s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", s3_server)
    role = {"role_arn": "arn:aws:iam::123456789012:role/calls", "assume_role_kwargs": {"ExternalId": "company"}}
    client = client_of(extra | role)
    client.list_objects_v2(Bucket=extra["bucket"])
    credentials = (
        client._get_credentials() if hasattr(client, "_get_credentials") else client._request_signer._credentials
    )
    assert credentials.method == "assume-role"
    assert credentials.get_frozen_credentials().token


def test_another_way_to_a_role_is_refused_in_one_sentence(extra: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured) as caught:
        client_of(extra | {"role_arn": "arn:aws:iam::1:role/x", "assume_role_method": "assume_role_with_saml"})
    assert caught.value.problem == "s3_role_method"


def test_a_server_of_ones_own_gets_no_checksums_that_it_was_not_asked_for(extra: dict[str, Any]) -> None:
    """boto adds them since 2025; Amazon takes them, other servers refuse the request."""
    front = S3Front(extra["endpoint_url"])
    seen: list[set[str]] = []
    forward = front._ask
    front._ask = lambda request, body: (seen.append(set(request.headers)), forward(request, body))[1]  # type: ignore[method-assign]
    with running(front) as url:
        for config, added in (({}, False), ({"request_checksum_calculation": "when_supported"}, True)):
            seen.clear()
            client = client_of(extra | {"endpoint_url": url, "config_kwargs": config})
            S3Storage(extra["bucket"], "", client).put_bytes("a", b"x", TEXT)
            assert any(name.startswith("x-amz-checksum") for name in seen[0]) is added
    assert client_of({"region_name": "us-east-1"}).meta.config.request_checksum_calculation == "when_supported"


def test_what_the_connection_says_of_botocore_counts(extra: dict[str, Any]) -> None:
    client = client_of(extra | {"config_kwargs": {"read_timeout": 7, "retries": {"mode": "adaptive"}}, "verify": "/ca"})
    assert client.meta.config.read_timeout == 7
    assert client.meta.config.retries["mode"] == "adaptive"
    assert client._endpoint.http_session._verify == "/ca"


def test_the_hook_and_the_command_line_make_the_same_storage(
    extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from plugins.hooks.storage import StorageHook

    conn = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra | {"prefix": "company"}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_STORAGE", json.dumps(conn))
    StorageHook().get_conn().put_bytes("a/b", b"by a task", TEXT)
    assert storage_of("call_export_storage", conn).get_bytes("a/b") == b"by a task"


class _KnowsNoVersions(S3Front):
    """As small servers answer the question for versions (s3rver 3.7: 405 MethodNotAllowed)."""

    def _ask(self, request: Any, body: bytes) -> Any:
        answer = super()._ask(request, body)
        if "versions" in request.query_params:
            answer.status_code = 405
            answer._content = b"<Error><Code>MethodNotAllowed</Code><Message>no</Message></Error>"
        return answer


def test_a_server_without_versions_erases_the_object(extra: dict[str, Any]) -> None:
    with running(_KnowsNoVersions(extra["endpoint_url"])) as url:
        storage = S3Storage(extra["bucket"], "", client_of(extra | {"endpoint_url": url}))
        for key in ("a/1", "a/2"):
            storage.put_bytes(key, b"x", TEXT)
        assert storage.erase_earlier(["a/1", "a/2"]) == [None, None]
        assert storage.erase_all(["a/1", "none"]) == [None, None]
        assert list(storage.keys("")) == ["a/2"]


class _RefusesEncryption(S3Front):
    """As a server without a key service answers (MinIO without KMS: 501 NotImplemented)."""

    def __init__(self, behind: str, status: int, code: str) -> None:
        super().__init__(behind)
        self._status, self._code = status, code

    def _ask(self, request: Any, body: bytes) -> Any:
        answer = super()._ask(request, body)
        if request.headers.get("x-amz-server-side-encryption"):
            answer.status_code = self._status
            answer._content = f"<Error><Code>{self._code}</Code><Message>no</Message></Error>".encode()
        return answer


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (501, "NotImplemented", "bucket_encryption"),
        (400, "InvalidArgument", "bucket_encryption"),
        (400, "KMS.NotFoundException", "bucket_encryption"),
        (403, "AccessDenied", "bucket_write_denied"),
    ],
)
def test_a_server_that_refuses_the_encryption_says_which_setting(
    extra: dict[str, Any], status: int, code: str, problem: str
) -> None:
    with running(_RefusesEncryption(extra["endpoint_url"], status, code)) as url:
        client = client_of(extra | {"endpoint_url": url, "config_kwargs": {"retries": {"max_attempts": 0}}})
        with pytest.raises(NotConfigured) as caught:
            S3Storage(extra["bucket"], "", client).check()
        assert caught.value.problem == problem
        S3Storage(extra["bucket"], "", client, encryption="bucket").check()
