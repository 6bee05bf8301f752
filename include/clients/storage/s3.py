"""Files as objects of a bucket: one PUT each, always encrypted by the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from include.clients.storage.base import checked_key
from include.domain.errors import ErrorCode, ExportError, NotConfigured, Permanent, Temporary

# One PUT is all or nothing; a multipart upload is too, but costs three requests and can leave parts behind.
_MULTIPART_FROM = 64 << 20
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"})


class S3Storage:
    """`client` is boto3's S3 client; `prefix` is a folder of the bucket, or empty; `kms_key` switches to aws:kms."""

    def __init__(self, bucket: str, prefix: str, client: Any, *, kms_key: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._client = client
        self._encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {"ServerSideEncryption": "AES256"}
        )

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:
        with _our_errors(key):
            self._client.put_object(**self._at(key), Body=data, ContentType=content_type, **self._encryption)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        with _our_errors(key):
            self._client.upload_file(
                str(path),
                self._bucket,
                self._prefix + checked_key(key),
                ExtraArgs={"ContentType": content_type, **self._encryption},
                Config=TransferConfig(multipart_threshold=_MULTIPART_FROM, use_threads=False),
            )

    def get_bytes(self, key: str) -> bytes:
        with _our_errors(key):
            body: bytes = self._client.get_object(**self._at(key))["Body"].read()
            return body

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        with TemporaryDirectory(prefix="call-export-") as folder:
            path = Path(folder) / "object"
            with _our_errors(key):
                self._client.download_file(self._bucket, self._prefix + checked_key(key), str(path))
            yield path

    def exists(self, key: str) -> bool:
        try:
            with _our_errors(key):
                self._client.head_object(**self._at(key))
        except Permanent:
            return False
        return True

    def copy(self, source: str, target: str) -> None:
        with _our_errors(source):
            self._client.copy(
                self._at(source), self._bucket, self._prefix + checked_key(target), ExtraArgs=dict(self._encryption)
            )

    def delete(self, key: str) -> None:
        with _our_errors(key):
            self._client.delete_object(**self._at(key))

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._prefix + checked_key(prefix) + "/"
        with _our_errors(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder):
                yield from (item["Key"].removeprefix(self._prefix) for item in page.get("Contents", ()))

    def check(self) -> None:
        probe = f"check-{uuid4().hex}"
        try:
            self.put_bytes(probe, b"", "application/octet-stream")
            self.delete(probe)
        except ExportError as error:
            raise NotConfigured(
                f"the bucket {self._bucket} cannot be written to ({error}); check S3_BUCKET, S3_ENDPOINT_URL, S3_REGION and the keys"
            ) from None

    def location(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}


@contextmanager
def _our_errors(key: str) -> Iterator[None]:
    """boto's messages name bucket, operation and reason, never a key or signature; only the code is kept all the same."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code in _NOT_THERE:
            raise Permanent(f"the storage has no file {key}", code=ErrorCode.STORAGE_FAILED) from None
        if code in _REFUSED:
            raise NotConfigured(f"S3 refused {key}: {code}", code=ErrorCode.STORAGE_FAILED) from None
        raise Temporary(f"S3 failed on {key}: {code}", code=ErrorCode.STORAGE_FAILED) from None
    except (BotoCoreError, OSError) as error:
        raise Temporary(f"S3 failed on {key}: {type(error).__name__}", code=ErrorCode.STORAGE_FAILED) from None
