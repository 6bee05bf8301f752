"""One contract, two storages: a folder and an S3 server over HTTP."""

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from include.clients.storage import local
from include.clients.storage.base import TEMPORARY_PREFIX, KeepingRule, Storage
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import ErrorCode, NotConfigured, Permanent, Temporary

KEY = "exports/2025-08-01_2025-08-31/transcripts/call_1.txt"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return LocalStorage(tmp_path / "store")
    client, bucket = request.getfixturevalue("s3_client"), request.getfixturevalue("s3_bucket")
    return S3Storage(bucket, "team/calls", client)


class TestContract:
    def test_what_is_erased_is_gone_and_what_is_missing_counts_as_erased(self, storage: Storage) -> None:
        for key in ("a/1", "a/2", "a/22"):
            storage.put_bytes(key, b"x", TEXT)
        assert storage.erase_all(["a/1", "a/2", "a/3"]) == [None, None, None]
        assert set(storage.keys("a/")) == {"a/22"}
        assert storage.keeping_rules() == {}

    def test_an_object_is_replaced_completely(self, storage: Storage) -> None:
        storage.put_bytes(KEY, "Здравствуйте! Это длинный текст.".encode(), TEXT)
        storage.put_bytes(KEY, "да".encode(), TEXT)
        assert storage.get_bytes(KEY).decode() == "да"
        assert storage.exists(KEY)

    def test_a_file_goes_in_and_comes_out_as_a_file(self, storage: Storage, tmp_path: Path) -> None:
        source = tmp_path / "audio"
        source.write_bytes(b"\x00\xff" * 100_000)
        storage.put_file("exports/raw/call_1.mp3", source, "audio/mpeg")
        with storage.as_file("exports/raw/call_1.mp3") as path:
            assert path.suffix == ".mp3"
            assert path.read_bytes() == b"\x00\xff" * 100_000

    def test_a_part_of_an_object_is_read_alone(self, storage: Storage) -> None:
        storage.put_bytes("raw/a.mp3", b"0123456789", "audio/mpeg")
        assert storage.size_of("raw/a.mp3") == 10
        assert storage.get_range("raw/a.mp3", 3, 4) == b"3456"
        assert storage.get_range("raw/a.mp3", 8, 100) == b"89"
        with pytest.raises(Permanent):
            storage.size_of("raw/none.mp3")
        with pytest.raises(Permanent):
            storage.get_range("raw/none.mp3", 0, 1)

    def test_a_missing_object_is_permanent(self, storage: Storage) -> None:
        assert not storage.exists(KEY)
        for read in (
            storage.get_bytes,
            lambda key: storage.as_file(key).__enter__(),
        ):
            with pytest.raises(Permanent) as caught:
                read(KEY)
            assert caught.value.code is ErrorCode.STORAGE_FAILED
        storage.delete(KEY)

    def test_objects_come_in_the_order_of_their_keys(self, storage: Storage) -> None:
        """A folder's names do not sort as keys do: `a.b` stands before `a/b`."""
        keys = ["a.b", "a/b", "a0", "b/c/d", "b/c.d", "b/cd", "Z"]
        for key in keys:
            storage.put_bytes(key, key.encode(), TEXT)
        found = list(storage.objects(""))
        assert [one.key for one in found] == sorted(keys, key=str.encode)
        assert [one.bytes for one in found] == [len(one.key) for one in found]
        assert [one.key for one in storage.objects("b/c")] == ["b/c.d", "b/c/d", "b/cd"]
        assert list(storage.objects("nothing/here")) == []
        before = {one.key: one.stamp for one in found}
        storage.put_bytes("a0", b"00", TEXT)
        after = {one.key: one.stamp for one in storage.objects("")}
        assert {key for key in keys if before[key] != after[key]} == {"a0"}

    def test_a_copy_stays_when_its_source_is_replaced_or_deleted(self, storage: Storage) -> None:
        storage.put_bytes("a", b"first", TEXT)
        for pairs in ([("a", "b"), ("a", "c")], [("a", "c")]):  # a second time as well: a killed pass is repeated
            assert storage.copy_all(pairs) == [None] * len(pairs)
        storage.put_bytes("a", b"second", TEXT)
        assert (storage.get_bytes("b"), storage.get_bytes("c")) == (b"first", b"first")
        storage.delete("b")
        assert sorted(storage.keys("")) == ["a", "c"]

    def test_a_failed_copy_leaves_nothing(self, storage: Storage) -> None:
        """The other copies go on, and no part of the failed one stays."""
        storage.put_bytes("a", b"1", TEXT)
        failures = storage.copy_all([("missing", "b/1"), ("a", "b/2"), ("missing", "c/3")])
        assert [getattr(failure, "code", None) for failure in failures] == [
            ErrorCode.STORAGE_FAILED,
            None,
            ErrorCode.STORAGE_FAILED,
        ]
        assert {type(failure) for failure in failures if failure} == {Permanent}
        assert sorted(storage.keys("")) == ["a", "b/2"]
        assert storage.copy_all([]) == []

    def test_keys_are_found_by_their_prefix(self, storage: Storage) -> None:
        wanted = {"exports/p1/raw/a.mp3", "exports/p1/raw/b.mp3"}
        for key in wanted | {"exports/p10/raw/a.mp3", "other.txt"}:
            storage.put_bytes(key, b"", TEXT)
        assert set(storage.keys("exports/p1/")) == wanted
        assert set(storage.keys("exports/p1/raw/a")) == {"exports/p1/raw/a.mp3"}
        assert len(list(storage.keys(""))) == 4
        assert list(storage.keys("nothing/here")) == []

    @pytest.mark.parametrize(
        "key", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "a\0b", "a\\b", ".", "a/.", "a/.unfinished-1"]
    )
    def test_an_unsafe_key_is_a_programming_error(self, storage: Storage, key: str) -> None:
        """A key that leaves the storage, or that looks like an unfinished file."""
        with pytest.raises(ValueError, match="not a key"):
            storage.put_bytes(key, b"", TEXT)

    def test_the_check_leaves_no_object(self, storage: Storage) -> None:
        storage.check()
        assert list(storage.keys("")) == []

    def test_an_object_outlives_the_erasing_of_what_was_before_it(self, storage: Storage) -> None:
        storage.put_bytes(KEY, b"1", TEXT)
        storage.put_bytes(KEY, b"2", TEXT)
        assert storage.erase_earlier([KEY, "no/such.csv"]) == [None, None]
        assert storage.get_bytes(KEY) == b"2"


class TestLocal:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "deep" / "store"

    @pytest.mark.parametrize("umask", [0o000, 0o077])
    def test_folders_are_0700_and_files_0600_whatever_the_umask(self, root: Path, tmp_path: Path, umask: int) -> None:
        source = tmp_path / "audio"
        source.write_bytes(b"1")
        source.chmod(0o666)
        before = os.umask(umask)
        try:
            storage = LocalStorage(root)
            storage.put_bytes(KEY, b"1", TEXT)
            storage.put_file("exports/raw/call_1.mp3", source, "audio/mpeg")
            storage.copy_all([(KEY, "exports/copy.txt")])
        finally:
            os.umask(before)
        modes = {path.is_dir(): set() for path in root.rglob("*")}
        for path in (root, *root.rglob("*")):
            modes[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))
        assert modes == {True: {0o700}, False: {0o600}}

    def test_an_interrupted_write_keeps_the_old_file(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The unfinished file is invisible."""
        storage = LocalStorage(root)
        storage.put_bytes(KEY, b"old", TEXT)
        monkeypatch.setattr(Path, "write_bytes", half_written)
        with pytest.raises(Temporary, match="No space left"):
            storage.put_bytes(KEY, b"new text", TEXT)
        assert storage.get_bytes(KEY) == b"old"
        assert [path.name for path in root.rglob("*") if path.is_file()] == ["call_1.txt"]

    def test_a_copy_is_no_link(self, root: Path) -> None:
        """An editor that writes in place changes the text of one period only."""
        storage = LocalStorage(root)
        storage.put_bytes("a/1.txt", b"as it was", TEXT)
        storage.copy_all([("a/1.txt", "b/1.txt")])
        with (root / "b" / "1.txt").open("ab") as out:
            out.write(b", and a note")
        assert storage.get_bytes("a/1.txt") == b"as it was"

    def test_copies_are_named_after_all_are_on_the_disk(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = LocalStorage(root)
        storage.put_bytes("a/1.txt", b"1", TEXT)
        storage.put_bytes("a/2.txt", b"2", TEXT)
        pairs = [("a/1.txt", "b/1.txt"), ("a/2.txt", "b/2.txt")]
        with monkeypatch.context() as patch:
            patch.setattr(local, "_FLUSHED_TOGETHER", 2)
            patch.setattr(local, "_flush_file_systems", disk_full)
            with pytest.raises(Temporary, match="No space left"):
                storage.copy_all(pairs)
        assert [path.name for path in (root / "b").iterdir()] == []
        assert storage.copy_all(pairs) == [None, None]

    def test_a_copy_that_does_not_fit_stops_no_other(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = LocalStorage(root)
        storage.put_bytes("a/1.txt", b"1", TEXT)
        storage.put_bytes("a/2.txt", b"2", TEXT)
        copied = shutil.copyfileobj

        def full_at_first(source: Any, out: Any) -> None:
            (disk_full if source.name.endswith("1.txt") else copied)(source, out)

        monkeypatch.setattr(shutil, "copyfileobj", full_at_first)
        first, second = storage.copy_all([("a/1.txt", "b/1.txt"), ("a/2.txt", "b/2.txt")])
        assert isinstance(first, Temporary)
        assert (second, [path.name for path in (root / "b").iterdir()]) == (None, ["2.txt"])

    def test_a_folder_removed_while_copying(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The copies into it fail as temporary; the next try creates it again."""
        storage = LocalStorage(root)
        storage.put_bytes("a/1.txt", b"1", TEXT)
        with monkeypatch.context() as patch:
            patch.setattr(local, "_FLUSHED_TOGETHER", 1)
            patch.setattr(local, "_flush_file_systems", lambda _: shutil.rmtree(root / "b"))
            (failure,) = storage.copy_all([("a/1.txt", "b/1.txt")])
        assert isinstance(failure, Temporary)
        assert storage.copy_all([("a/1.txt", "b/1.txt")]) == [None]

    def test_a_disk_that_removes_nothing_either(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error of the write is reported, not that of the clean-up."""
        storage = LocalStorage(root)
        storage.put_bytes("a/1.txt", b"1", TEXT)
        monkeypatch.setattr(shutil, "copyfileobj", disk_full)
        monkeypatch.setattr(Path, "unlink", disk_full)
        (failure,) = storage.copy_all([("a/1.txt", "b/1.txt")])
        assert isinstance(failure, Temporary)

    @pytest.mark.parametrize("write", ["put", "copy"])
    def test_what_a_killed_writer_left_is_swept_a_day_later(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, write: str
    ) -> None:
        """It is invisible until then, and found without a walk through the folders of all days."""
        storage = LocalStorage(root)
        storage.put_bytes("a/b.txt", b"1", TEXT)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", disk_full)
            patch.setattr(Path, "unlink", disk_full)  # as a process that is killed
            with pytest.raises(Temporary) if write == "put" else nullcontext():
                storage.put_bytes(KEY, b"half", TEXT) if write == "put" else storage.copy_all([("a/b.txt", KEY)])
        (left,) = root.rglob(f"{TEMPORARY_PREFIX}*")
        assert list(storage.keys("")) == ["a/b.txt"]
        written = left.stat().st_mtime
        monkeypatch.setattr(os, "walk", never)
        storage.check()
        assert left.exists()
        LocalStorage(root, clock=lambda: written + 25 * 3600).check()
        assert not left.exists()
        assert storage.get_bytes("a/b.txt") == b"1"

    def test_a_folder_that_cannot_be_written_is_not_configured(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(NotConfigured, match="LOCAL_STORAGE_DIR"):
            LocalStorage(tmp_path / "file").check()

    def test_the_location_is_the_path(self, root: Path) -> None:
        assert LocalStorage(root).location("a/b.txt") == str(root / "a" / "b.txt")


def never(*_: object) -> None:
    raise AssertionError("the whole storage was walked")


def disk_full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def half_written(path: Path, data: bytes) -> None:
    with path.open("wb") as out:
        out.write(data[:3])
    raise OSError(28, "No space left on device")


@pytest.mark.s3
@pytest.mark.s3
def test_what_a_bucket_kept_of_a_replaced_object_is_erased(s3_client: Any, s3_bucket: str) -> None:
    s3_client.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})
    storage = S3Storage(s3_bucket, "team/calls", s3_client)
    for key, text in ((KEY, b"a name"), (KEY, b"no name"), (f"{KEY}.other", b"a"), (f"{KEY}.other", b"b")):
        storage.put_bytes(key, text, TEXT)
    assert storage.erase_earlier([KEY, "exports/never/stored.csv"]) == [None, None]
    kept = s3_client.list_object_versions(Bucket=s3_bucket, Prefix=f"team/calls/{KEY}")["Versions"]
    assert [one["Key"].endswith(".other") for one in kept].count(False) == 1
    assert len(kept) == 3
    assert storage.get_bytes(KEY) == b"no name"


class TestS3:
    def test_the_server_encrypts_every_object(self, s3_client: Any, s3_bucket: str, tmp_path: Path) -> None:
        """Bytes, files and copies alike."""
        storage = S3Storage(s3_bucket, "", s3_client)
        source = tmp_path / "audio"
        source.write_bytes(b"1")
        storage.put_bytes("bytes", b"1", TEXT)
        storage.put_file("file", source, "audio/mpeg")
        storage.copy_all([("bytes", "copy")])
        for key, content_type in (("bytes", TEXT), ("file", "audio/mpeg"), ("copy", TEXT)):
            head = s3_client.head_object(Bucket=s3_bucket, Key=key)
            assert (head["ServerSideEncryption"], head["ContentType"]) == ("AES256", content_type)

    def test_a_bucket_may_decide_itself(
        self, s3_client: Any, s3_bucket: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For servers that refuse any wish; a bucket that does not say that it encrypts is named in the log."""
        asked: list[dict[str, Any]] = []
        put = s3_client.put_object
        monkeypatch.setattr(s3_client, "put_object", lambda **request: asked.append(request) or put(**request))
        storage = S3Storage(s3_bucket, "", s3_client, encryption="bucket")
        storage.check()
        assert asked
        assert not [name for request in asked for name in request if "Encryption" in name or "KMS" in name]
        s3_client.delete_bucket_encryption(Bucket=s3_bucket)
        storage.check()
        assert "does not say that it encrypts" in caplog.text

    def test_a_kms_key_is_sent_if_it_is_set(self, s3_client: Any, s3_bucket: str) -> None:
        storage = S3Storage(s3_bucket, "", s3_client, encryption="aws:kms", kms_key_id="our-key")
        storage.put_bytes("bytes", b"1", TEXT)
        head = s3_client.head_object(Bucket=s3_bucket, Key="bytes")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "our-key")

    @pytest.mark.parametrize(("size", "operations"), [(1, ["PutObject"]), (64 * 1024 * 1024, ["PutObject"])])
    def test_an_object_up_to_64_mb_is_one_put(
        self, s3_client: Any, s3_bucket: str, tmp_path: Path, size: int, operations: list[str]
    ) -> None:
        source = tmp_path / "audio"
        with source.open("wb") as out:
            out.truncate(size)
        sent = operations_of(s3_client)
        S3Storage(s3_bucket, "", s3_client).put_file("file", source, "audio/mpeg")
        assert sent == operations

    def test_a_larger_object_is_sent_in_parts(self, s3_client: Any, s3_bucket: str, tmp_path: Path) -> None:
        """It is encrypted, too."""
        source = tmp_path / "audio"
        with source.open("wb") as out:
            out.truncate(64 * 1024 * 1024 + 1)
        sent = operations_of(s3_client)
        S3Storage(s3_bucket, "", s3_client).put_file("file", source, "audio/mpeg")
        assert sent == ["CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"]
        head = s3_client.head_object(Bucket=s3_bucket, Key="file")
        assert (head["ContentLength"], head["ServerSideEncryption"]) == (64 * 1024 * 1024 + 1, "AES256")

    def test_the_prefix_is_a_folder_of_the_bucket(self, s3_client: Any, s3_bucket: str) -> None:
        storage = S3Storage(s3_bucket, "/team/calls/", s3_client)
        storage.put_bytes("a/b.txt", b"1", TEXT)
        S3Storage(s3_bucket, "team/callsign", s3_client).put_bytes("c.txt", b"1", TEXT)
        assert list(storage.keys("")) == ["a/b.txt"]
        assert storage.location("a/b.txt") == f"s3://{s3_bucket}/team/calls/a/b.txt"

    def test_a_missing_bucket_is_not_configured(self, s3_client: Any) -> None:
        with pytest.raises(NotConfigured, match="there is no such bucket"):
            S3Storage("no-such-bucket", "", s3_client).check()

    @pytest.mark.parametrize("operation", ["ListObjectsV2", "PutObject", "GetObject", "DeleteObject"])
    def test_a_missing_right_names_the_needed_rights(self, s3_client: Any, s3_bucket: str, operation: str) -> None:
        refuse(s3_client, operation, 403, "AccessDenied")
        with pytest.raises(NotConfigured, match="s3:PutObject"):
            S3Storage(s3_bucket, "", s3_client).check()

    def test_a_failure_that_may_pass_is_temporary(self, s3_client: Any, s3_bucket: str) -> None:
        refuse(s3_client, "PutObject", 503, "SlowDown")
        with pytest.raises(Temporary, match="SlowDown") as caught:
            S3Storage(s3_bucket, "", s3_client).put_bytes("a", b"1", TEXT)
        assert caught.value.code is ErrorCode.STORAGE_FAILED


def operations_of(client: Any) -> list[str]:
    """The operations that the client sends from now on."""
    sent: list[str] = []
    client.meta.events.register("before-call.s3", lambda model, **_: sent.append(model.name))
    return sent


def refuse(client: Any, operation: str, status: int, code: str) -> None:
    """The server's refusal of one operation, inserted in place of its response."""
    from botocore.awsrequest import AWSResponse

    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    class Raw:
        def stream(self, *_: object, **__: object) -> list[bytes]:
            return [body]

    response: Callable[..., AWSResponse] = lambda request, **_: AWSResponse(request.url, status, {}, Raw())  # noqa: E731
    client.meta.events.register(f"before-send.s3.{operation}", response)


@pytest.mark.s3
class TestVersionedBucket:
    @pytest.fixture
    def bucket(self, s3_client: Any) -> str:
        s3_client.create_bucket(Bucket="versions", ObjectLockEnabledForBucket=True)  # a lock needs versions
        return "versions"

    def test_every_version_is_erased_and_a_locked_one_is_named(self, s3_client: Any, bucket: str) -> None:
        storage = S3Storage(bucket, "team/calls", s3_client)
        for content in (b"first", b"second"):
            storage.put_bytes("a", content, TEXT)
        storage.delete("a")
        storage.put_bytes("ab", b"another", TEXT)
        assert storage.erase_all(["a"]) == [None]
        left = s3_client.list_object_versions(Bucket=bucket)
        assert [item["Key"] for item in left["Versions"]] == ["team/calls/ab"]
        assert "DeleteMarkers" not in left
        s3_client.put_object_legal_hold(Bucket=bucket, Key="team/calls/ab", LegalHold={"Status": "ON"})
        (failure,) = storage.erase_all(["ab"])
        assert failure is not None
        assert storage.exists("ab")

    def test_rules_of_the_bucket_are_known(self, s3_client: Any, s3_bucket: str) -> None:
        storage = S3Storage(s3_bucket, "", s3_client)
        rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
        s3_client.put_bucket_lifecycle_configuration(Bucket=s3_bucket, LifecycleConfiguration={"Rules": [rule]})
        assert storage.keeping_rules() == {KeepingRule.EXPIRES_BY_ITSELF: 30}
        s3_client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}}
        s3_client.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
        assert S3Storage("locked", "", s3_client).keeping_rules() == {KeepingRule.OBJECT_LOCK: 400}
