"""A bucket as the storage: one PUT per object, each encrypted on the server."""

import logging
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from include.clients.storage.base import (
    CopyFailure,
    Encryption,
    KeepingRule,
    Storage,
    StoredObject,
    checked_key,
    no_such_object,
    storage_failure,
)
from include.common.certificates import certificate_error, certificate_refusal
from include.common.errors import ErrorCode, ExportError, NotConfigured, Permanent, Temporary
from include.common.temporary_folders import temporary_folder

# Below it `upload_file` sends one PUT, which is visible completely or not at all, costs one request and cannot remain
# half done; above it S3 still shows the object only when its parts are complete.
_ONE_PUT_BYTES = 64 * 1024 * 1024
_TRANSFER = TransferConfig(
    multipart_threshold=_ONE_PUT_BYTES + 1, multipart_chunksize=_ONE_PUT_BYTES, use_threads=False
)

AES256, KMS, OF_BUCKET = "AES256", "aws:kms", "bucket"
_COPIES_AT_ONCE = 10  # as many connections as a client keeps

_NOT_CONFIGURED = {"ObjectLockConfigurationNotFoundError", "NoSuchLifecycleConfiguration"}
_ABSENT = {"NoSuchKey", "404", "NotFound"}
# what servers answer that have no such encryption, or no key for it
_NOT_ENCRYPTED_SO = {"NotImplemented", "InvalidArgument", "InvalidEncryptionAlgorithmError", "InvalidRequest"}
_NO_VERSIONS = {"MethodNotAllowed", "NotImplemented"}
_DENIED = "access is denied"
_OTHER_REGION = "the bucket is in another region"
# code of S3 -> the message and the problem
_REFUSED = {
    "NoSuchBucket": ("there is no such bucket", "bucket_missing"),
    "AccessDenied": (_DENIED, "bucket_denied"),
    "403": (_DENIED, "bucket_denied"),
    "AllAccessDisabled": (_DENIED, "bucket_denied"),
    "InvalidAccessKeyId": ("the access key is unknown", "bucket_unknown_key"),
    "SignatureDoesNotMatch": ("the secret key is wrong", "bucket_wrong_secret"),
    "ExpiredToken": ("the credentials have expired", "bucket_expired_key"),
    "PermanentRedirect": (_OTHER_REGION, "bucket_other_region"),
    "AuthorizationHeaderMalformed": (_OTHER_REGION, "bucket_other_region"),
    "IllegalLocationConstraintException": (_OTHER_REGION, "bucket_other_region"),
}

log = logging.getLogger(__name__)


class S3Storage(Storage):
    """`client` is a boto3 S3 client, ready to use. `encryption` is AES256, aws:kms (with `kms_key_id` if not the
    account's default key) or `bucket`: objects ask for none, and the bucket's own setting decides."""

    SHARED = True

    def __init__(
        self, bucket: str, prefix: str, client: Any, *, encryption: str = AES256, kms_key_id: str | None = None
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = client
        self._bucket_decides = encryption == OF_BUCKET
        asked = {"ServerSideEncryption": encryption} | ({"SSEKMSKeyId": kms_key_id} if kms_key_id else {})
        self._encrypted = {} if self._bucket_decides else asked

    def put_bytes(self, key: str, data: bytes, content_type: str) -> None:
        with self._translated_errors(key):
            self._client.put_object(**self._named(key), Body=data, ContentType=content_type, **self._encrypted)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        extra = {"ContentType": content_type, **self._encrypted}
        with self._translated_errors(key):
            self._client.upload_file(str(path), self._bucket, self._full(key), ExtraArgs=extra, Config=_TRANSFER)

    def get_bytes(self, key: str) -> bytes:
        with self._translated_errors(key):
            body: bytes = self._client.get_object(**self._named(key))["Body"].read()
            return body

    def size_of(self, key: str) -> int:
        with self._translated_errors(key):
            return int(self._client.head_object(**self._named(key))["ContentLength"])

    def get_range(self, key: str, start: int, length: int) -> bytes:
        with self._translated_errors(key):
            asked = f"bytes={start}-{start + length - 1}"
            body: bytes = self._client.get_object(**self._named(key), Range=asked)["Body"].read()
            return body

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        with temporary_folder() as folder:
            path = folder / f"object{Path(key).suffix}"
            with self._translated_errors(key):
                self._client.download_file(self._bucket, self._full(key), str(path), Config=_TRANSFER)
            yield path

    def exists(self, key: str) -> bool:
        with self._translated_errors(key):
            try:
                self._client.head_object(**self._named(key))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return False
                raise
            return True

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            return list(pool.map(lambda pair: self._copy_failure(*pair), pairs))

    def delete(self, key: str) -> None:
        with self._translated_errors(key):
            self._client.delete_object(**self._named(key))

    def erase_all(self, keys: Sequence[str]) -> list[ExportError | None]:
        """All versions and delete markers. A version under an object lock or a legal hold stays, and is a reason."""
        with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            return list(pool.map(self._erase_failure, keys))

    def erase_earlier(self, keys: Sequence[str]) -> list[ExportError | None]:
        with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            return list(pool.map(partial(self._erase_failure, newest=False), keys))

    def keys(self, prefix: str) -> Iterator[str]:
        return (one.key for one in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with self._translated_errors(prefix):
            for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    yield StoredObject(key, item["Size"], item["ETag"], item["LastModified"])

    def free_bytes(self) -> int | None:
        return None

    def keeping_rules(self) -> dict[KeepingRule, int | None]:
        found: dict[KeepingRule, int | None] = {}
        lock = self._configured("get_object_lock_configuration", "ObjectLockConfiguration", found)
        if (lock or {}).get("ObjectLockEnabled") == "Enabled":
            retention = lock.get("Rule", {}).get("DefaultRetention", {})
            found[KeepingRule.OBJECT_LOCK] = retention.get("Days") or 365 * retention.get("Years", 0) or None
        rules = self._configured("get_bucket_lifecycle_configuration", "Rules", found) or []
        days = [
            rule["Expiration"]["Days"]
            for rule in rules
            if rule.get("Status") == "Enabled" and "Days" in rule.get("Expiration", {})
        ]
        if days:
            found[KeepingRule.EXPIRES_BY_ITSELF] = min(days)
        return found

    def _configured(self, operation: str, field: str, found: dict[KeepingRule, int | None]) -> Any:
        """None where nothing is configured, or where the server or the access key does not tell."""
        try:
            with self._translated_errors(operation):
                try:
                    return getattr(self._client, operation)(Bucket=self._bucket).get(field)
                except ClientError as error:
                    if _code(error) in _NOT_CONFIGURED:
                        return None
                    raise
        except ExportError:
            found[KeepingRule.NOT_KNOWN] = None
            return None

    def check(self) -> None:
        trial = f"check-{secrets.token_hex(4)}"
        with self._refused_in_one_sentence():
            next(self.keys(trial), None)  # without the right to list, an absent object looks like a denied one
            self._put_trial(trial)
            self.get_bytes(trial)
            self.delete(trial)
        if self._bucket_decides and not self._by_itself():
            log.warning("the bucket %s does not say that it encrypts its objects", self._bucket)

    def encryption(self) -> Encryption | None:
        trial = f"check-{secrets.token_hex(4)}"
        with self._refused_in_one_sentence():
            self._put_trial(trial)
            try:
                with self._translated_errors(trial):
                    stored = self._client.head_object(**self._named(trial))
            finally:
                self.delete(trial)
        return Encryption(stored.get("ServerSideEncryption", ""), stored.get("SSEKMSKeyId", ""), self._by_itself())

    def _put_trial(self, key: str) -> None:
        """The first write: the one that a server or a bucket's policy refuses for its encryption."""
        with self._translated_errors(key):
            try:
                self._client.put_object(**self._named(key), Body=b"trial", ContentType="text/plain", **self._encrypted)
            except ClientError as error:
                code, encryption = _code(error), self._encrypted.get("ServerSideEncryption", OF_BUCKET)
                if self._encrypted and (code in _NOT_ENCRYPTED_SO or code.startswith("KMS")):
                    raise NotConfigured(
                        f"the bucket {self._bucket} does not take objects encrypted with {encryption} ({code}): "
                        "set S3_ENCRYPTION and S3_KMS_KEY_ID to what the server can do",
                        problem="bucket_encryption",
                        bucket=self._bucket,
                        encryption=encryption,
                    ) from None
                if code in ("AccessDenied", "403"):
                    raise NotConfigured(
                        f"writing to the bucket {self._bucket} is denied: the key lacks s3:PutObject, or the bucket's "
                        f"policy demands another encryption than {encryption} (S3_ENCRYPTION, S3_KMS_KEY_ID)",
                        problem="bucket_write_denied",
                        bucket=self._bucket,
                        encryption=encryption,
                    ) from None
                raise

    def _by_itself(self) -> str | None:
        """Many servers other than Amazon's do not answer this question."""
        try:
            found = self._client.get_bucket_encryption(Bucket=self._bucket)
        except ClientError as error:
            return "" if _code(error) == "ServerSideEncryptionConfigurationNotFoundError" else None
        except BotoCoreError:
            return None
        rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        applied = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules]
        return next(filter(None, applied), "")

    @contextmanager
    def _refused_in_one_sentence(self) -> Iterator[None]:
        try:
            yield
        except NotConfigured:
            raise
        except ExportError as error:
            raise NotConfigured(
                f"the bucket {self._bucket} cannot be used (S3_BUCKET, S3_ENDPOINT_URL): {error}",
                problem="bucket_unusable",
                bucket=self._bucket,
            ) from None

    def location(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._full(key)}"

    def _copy_failure(self, source: str, target: str) -> CopyFailure | None:
        try:
            with self._translated_errors(source):
                self._client.copy_object(**self._named(target), CopySource=self._named(source), **self._encrypted)
        except (Permanent, Temporary) as failure:
            return failure
        return None

    def _erase_failure(self, key: str, *, newest: bool = True) -> ExportError | None:
        """A bucket that was never versioned has one version of each object, called `null`.

        A server that knows no versions at all has nothing but the object.
        """
        try:
            with self._translated_errors(key):
                try:
                    versions = self._versions(key, newest=newest)
                except ClientError as error:
                    if _code(error) not in _NO_VERSIONS:
                        raise
                    if newest:
                        self._client.delete_object(**self._named(key))
                    return None
                for version in versions:
                    self._client.delete_object(**self._named(key), VersionId=version)
        except ExportError as failure:
            return failure
        return None

    def _versions(self, key: str, *, newest: bool) -> list[str]:
        full = self._full(key)
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=full)
        return [
            item["VersionId"]
            for page in pages
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, ())
            if item["Key"] == full and (newest or not item["IsLatest"])
        ]

    def _full(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._full(key)}

    @contextmanager
    def _translated_errors(self, key: str) -> Iterator[None]:
        """The texts of boto may contain hosts and access keys: messages state only the code or the kind of failure."""
        try:
            yield
        except ClientError as error:
            raise self._export_error(key, _code(error)) from None
        except (Boto3Error, BotoCoreError, OSError) as error:
            if reason := certificate_refusal(error):
                raise certificate_error(
                    reason, "the storage", self._client.meta.endpoint_url, code=ErrorCode.STORAGE_FAILED
                ) from None
            refused = error.__context__  # an upload hides the response of S3 behind an error of its own
            if isinstance(refused, ClientError):
                raise self._export_error(key, _code(refused)) from None
            raise storage_failure(key, type(error).__name__) from None

    def _export_error(self, key: str, code: str) -> ExportError:
        if code in _ABSENT:
            return no_such_object(key)
        if code in _REFUSED:
            message, problem = _REFUSED[code]
            return NotConfigured(
                f"the bucket {self._bucket}: {message} ({code}); check S3_BUCKET, S3_REGION and the keys, "
                "which need s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject",
                problem=problem,
                bucket=self._bucket,
            )
        return storage_failure(key, code)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
