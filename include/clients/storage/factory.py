"""The one list of storages: plain settings -> a folder or a bucket."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from include.clients.storage.base import Storage
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured

_EXTRA = ("path", "bucket", "prefix", "encryption", "kms_key_id")
AWS = "aws"  # Airflow's type of a connection to S3


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What the connection of the storage says; `connection` is its id.

    `encryption` of objects is AES256, aws:kms (with `kms_key_id` if not the account's default key), or `bucket`: the
    bucket's own setting decides.
    """

    connection: str
    kind: str
    path: str = ""
    bucket: str = ""
    prefix: str = ""
    encryption: str = ""
    kms_key_id: str = ""

    @property
    def is_bucket(self) -> bool:
        return self.kind == AWS or bool(self.bucket)

    @classmethod
    def of(cls, connection: str, kind: str | None, extra: Mapping[str, Any]) -> Self:
        return cls(connection, kind or "", *(str(extra.get(name) or "") for name in _EXTRA))


def make_storage(settings: StorageSettings, s3_client: Callable[[], Any]) -> Storage:
    """`s3_client` makes a boto3 S3 client, with the credentials of the caller's process; called for a bucket only.

    Raises NotConfigured if the settings name neither a bucket nor a folder, or both.
    """
    if settings.bucket and settings.path:
        raise NotConfigured(
            f"the connection {settings.connection} names a folder and a bucket: leave one",
            problem="two_storages",
            connection=settings.connection,
        )
    if settings.is_bucket:
        if not settings.bucket:
            raise NotConfigured(
                f"the connection {settings.connection} names no bucket: set S3_BUCKET", problem="no_bucket"
            )
        from include.clients.storage.s3 import AES256, S3Storage  # noqa: PLC0415  a folder needs no boto3, which loads slowly

        return S3Storage(
            settings.bucket,
            settings.prefix,
            s3_client(),
            encryption=settings.encryption or AES256,
            kms_key_id=settings.kms_key_id or None,
        )
    if not settings.path:
        raise NotConfigured(
            f"the connection {settings.connection} names no folder: set LOCAL_STORAGE_DIR", problem="no_storage_folder"
        )
    return LocalStorage(Path(settings.path))
