"""A backup comes back whole, or is refused in one sentence; nothing is written over what is in use."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.calls.domain.backup_contents import BackupReason, Manifest, backup_id_of
from include.calls.state.backups import Backups
from include.calls.state.migrate import current, head, migrate
from include.calls.state.state import State
from include.calls.steps import back_up as step
from include.calls.steps import file_packs
from include.calls.steps.back_up import AIRFLOW, STATE, Source, back_up, databases_of
from include.calls.steps.backup_place import BackupPlace
from include.calls.steps.restore_backup import restore
from include.calls.steps.verify_backup import verify
from include.calls.wording import problems
from include.clients.postgresql.scratch import SCRATCH_PREFIX, beside, name_of, set_aside
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import BadInput, NotConfigured, Permanent
from include.common.sealing import new_key

pytestmark = [pytest.mark.postgres, pytest.mark.long]

NIGHT = datetime(2026, 11, 29, 0, 15, tzinfo=UTC)
NEXT = NIGHT + timedelta(days=1)
SPOKEN = b"the words of a customer"
AUDIO, TEXT, REPORT = "raw/2026/11/28/call_1.mp3", "transcripts/2026/11/28/call_1.txt", "exports/x/report.md"


class World:
    """A state database, a small database in the place of Airflow's, a storage and a second place."""

    def __init__(self, state_url: str, airflow_url: str, folder: Path) -> None:
        self.state_url, self.airflow_url, self.folder = state_url, airflow_url, folder
        self.storage, self.second = LocalStorage(folder / "storage"), folder / "second"
        self.place = BackupPlace(LocalStorage(self.second), new_key())
        self.changed("INSERT INTO portals (host) VALUES ('company.bitrix24.ru')")
        with psycopg.connect(airflow_url) as airflow:
            airflow.execute("CREATE TABLE IF NOT EXISTS alembic_version AS SELECT 'rev1' AS version_num")
        for key, data in {AUDIO: b"\xff" * 5000, TEXT: SPOKEN, REPORT: b"1"}.items():
            self.storage.put_bytes(key, data, "")

    def changed(self, statement: str) -> None:
        with psycopg.connect(self.state_url) as state:
            state.execute(statement.encode())

    def backed_up(self, at: datetime = NIGHT, *, files: bool = True) -> Manifest:
        source = Source(
            databases_of(self.state_url, self.airflow_url), {"S3_BUCKET": "calls"}, self.storage if files else None
        )
        return back_up(self.place, source, BackupReason.HAND, at)

    def verified(self, at: datetime = NIGHT, *, files: bool = True) -> Manifest:
        made = self.backed_up(at, files=files)
        verify(self.place, made.backup_id, self.state_url, migrate)
        return made

    def file(self, made: Manifest, part: str) -> Path:
        return self.second / "backups" / made.backup_id / part

    def packs(self) -> list[Path]:
        return sorted((self.second / "packs").glob("*"))


@pytest.fixture
def world(database: str, empty_database: str, tmp_path: Path) -> World:
    return World(database, empty_database, tmp_path)


@pytest.fixture
def target(database: str) -> Iterator[str]:
    """The URL of a database that does not exist yet."""
    url = beside(database, f"{name_of(database)}_again")
    yield url
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name_of(url)} WITH (FORCE)".encode())


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def refused(work: Callable[[], object], kind: type[Exception] = Permanent) -> str:
    """The Russian sentence of the refusal."""
    with pytest.raises(kind) as caught:
        work()
    sentence = problems.sentence(caught.value)  # type: ignore[arg-type]
    assert "\n" not in sentence
    return sentence


def test_everything_comes_back(world: World, target: str) -> None:
    made = world.verified()
    assert (made.databases[STATE].version, made.databases[AIRFLOW].version) == (head(), "rev1")
    assert made.databases[STATE].tables["public.portals"].rows == 1
    again = LocalStorage(world.folder / "again")
    done = restore(world.place, world.place.resolve("latest"), {STATE: target}, again, migrate)
    query = "SELECT host FROM portals"
    assert rows(target, query) == rows(world.state_url, query)
    assert rows(target, "SELECT relacl FROM pg_class WHERE relname = 'audit_log'") == [(None,)], "make up grants again"
    assert (done.files, again.get_bytes(TEXT)) == (3, SPOKEN)
    assert [one.key for one in again.objects("")] == [one.key for one in world.storage.objects("")]


def test_a_bucket_is_a_second_place_too(world: World, target: str, s3_client: Any, s3_bucket: str) -> None:
    """Made, verified, listed and restored; only sealed parts are in the bucket, and a damaged one is refused."""
    world.place = BackupPlace(S3Storage(s3_bucket, "copies", s3_client), new_key())
    made = world.verified()
    again = LocalStorage(world.folder / "again")
    done = restore(world.place, world.place.resolve("latest"), {STATE: target}, again, migrate)
    assert rows(target, "SELECT host FROM portals") == [("company.bitrix24.ru",)]
    assert (done.files, again.get_bytes(TEXT)) == (3, SPOKEN)
    keys = [one["Key"] for one in s3_client.list_objects_v2(Bucket=s3_bucket)["Contents"]]
    assert all(key.startswith("copies/") for key in keys)
    stored = b"".join(s3_client.get_object(Bucket=s3_bucket, Key=key)["Body"].read() for key in keys)
    assert SPOKEN not in stored
    assert b"company.bitrix24.ru" not in stored
    (dump,) = [key for key in keys if made.backup_id in key and "state" in key]
    body = s3_client.get_object(Bucket=s3_bucket, Key=dump)["Body"].read()
    s3_client.put_object(Bucket=s3_bucket, Key=dump, Body=body[: len(body) // 2])
    assert refused(lambda: verify(world.place, made.backup_id, world.state_url, migrate))


def test_nothing_lies_open_and_no_secret_is_inside(world: World) -> None:
    made = world.backed_up()
    files = [path for path in world.second.rglob("*") if path.is_file()]
    assert len(files) == 5 + 3  # a pack for each top folder
    assert all(path.read_bytes().startswith(b"age-encryption.org/v1\n") for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert not any(word in path.name for path in files for word in ("call_1", "report"))
    settings = world.place.storage.get_bytes(world.place.key(made.backup_id, "settings.age"))
    assert json.loads(settings) == {"S3_BUCKET": "calls"}


def test_a_damaged_backup_is_refused_and_does_not_count(world: World) -> None:
    made = world.backed_up()
    for part in ("manifest.age", "settings.age", "state.age", "files.age"):
        file = world.file(made, part)
        whole = file.read_bytes()
        for damaged in (whole[:-20], whole[:-1] + bytes([whole[-1] ^ 1])):
            file.write_bytes(damaged)
            assert part in refused(lambda: verify(world.place, made.backup_id, world.state_url, migrate))
        file.write_bytes(whole)
    assert refused(lambda: world.place.resolve("latest"), BadInput).startswith("во втором месте нет")


def test_a_restore_reads_every_part_before_it_creates_a_database(world: World, target: str) -> None:
    made = world.backed_up()
    file = world.file(made, "state.age")
    file.write_bytes(file.read_bytes()[:-1])
    assert "state.age" in refused(lambda: restore(world.place, made.backup_id, {STATE: target}, None, migrate))
    assert rows(world.state_url, f"SELECT 1 FROM pg_database WHERE datname = '{name_of(target)}'") == []


def test_a_database_that_restores_differently_is_no_backup(world: World) -> None:
    """A manifest of other contents stands for a dump that lost a row."""
    made = world.backed_up()
    tables = dict(made.databases[STATE].tables)
    tables["public.portals"] = tables["public.portals"].model_copy(update={"rows": 2})
    wrong = made.databases[STATE].model_copy(update={"tables": tables})
    world.place.finish(made.model_copy(update={"databases": made.databases | {STATE: wrong}}))
    sentence = refused(lambda: verify(world.place, made.backup_id, world.state_url, migrate))
    assert "public.portals" in sentence
    assert rows(world.state_url, f"SELECT 1 FROM pg_database WHERE datname LIKE '{SCRATCH_PREFIX}%'") == []


def test_a_restore_never_goes_over_a_database(world: World) -> None:
    made = world.backed_up()
    into_itself = {STATE: world.state_url}
    assert "не пуста" in refused(
        lambda: restore(world.place, made.backup_id, into_itself, None, migrate), NotConfigured
    )
    with psycopg.connect(world.state_url):
        assert "пользуются" in refused(
            lambda: restore(world.place, made.backup_id, into_itself, None, migrate), NotConfigured
        )
        assert "пользуются" in refused(lambda: set_aside(world.state_url, "before"), NotConfigured)
    assert rows(world.state_url, "SELECT count(*) FROM portals") == [(1,)]


def test_a_restore_migrates_to_the_schema_of_this_code(
    empty_database: str, database: str, target: str, tmp_path: Path
) -> None:
    """A backup of an older release, taken before its migration."""
    migrate(empty_database, "0001")
    world = World(empty_database, database, tmp_path)
    made = world.verified()
    assert made.databases[STATE].version == "0001"
    restore(world.place, made.backup_id, {STATE: target}, None, migrate)
    assert (current(target), rows(target, "SELECT host FROM portals")) == (head(), [("company.bitrix24.ru",)])


class TestFiles:
    def test_only_new_and_changed_ones_are_packed_again(self, world: World) -> None:
        world.backed_up()
        world.storage.put_bytes(REPORT, b"22", "")
        world.storage.put_bytes("raw/2026/11/29/call_2.mp3", b"3", "")
        world.storage.delete(TEXT)
        made = world.backed_up(NEXT)
        assert made.files is not None
        assert (made.files.files, made.files.added, len(made.files.packs)) == (3, 2, 3)
        assert len(world.packs()) == 5

    def test_a_full_pack_is_followed_by_another(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file_packs, "PACK_FILES", 2)
        for number in range(5):
            world.storage.put_bytes(f"raw/2026/11/28/more_{number}.mp3", b"", "")
        made = world.backed_up()
        assert made.files is not None
        assert (made.files.files, len(made.files.packs)) == (8, 5)
        assert verify(world.place, made.backup_id, world.state_url, migrate).files == 8

    def test_a_lost_or_damaged_pack_is_replaced_by_the_next_backup(self, world: World) -> None:
        made = world.verified()
        for pack in world.packs():
            pack.write_bytes(pack.read_bytes()[:-1] + b"\0")
        assert "packs" in refused(
            lambda: verify(world.place, made.backup_id, world.state_url, migrate, every_pack=True)
        )
        world.packs()[0].unlink()
        healed = world.verified(NEXT)
        assert healed.files is not None
        assert healed.files.added == 3
        assert verify(world.place, healed.backup_id, world.state_url, migrate, every_pack=True).files == 3

    def test_a_file_that_is_there_stays(self, world: World, target: str) -> None:
        made = world.backed_up()
        world.storage.put_bytes(TEXT, b"newer", "")
        world.storage.delete(AUDIO)
        done = restore(world.place, made.backup_id, {STATE: target}, world.storage, migrate)
        assert (done.files, world.storage.get_bytes(TEXT)) == (1, b"newer")
        assert world.storage.get_bytes(AUDIO) == b"\xff" * 5000

    def test_a_file_deleted_meanwhile_is_left_out(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        listed = world.storage.objects

        def deleting(prefix: str) -> Iterator[object]:
            found = list(listed(prefix))
            world.storage.delete(TEXT)
            return iter(found)

        monkeypatch.setattr(world.storage, "objects", deleting)
        made = world.backed_up()
        assert made.files is not None
        assert (made.files.files, made.files.gone) == (2, 1)

    def test_a_backup_before_a_migration_leaves_them_to_the_one_before(self, world: World, target: str) -> None:
        world.verified()
        made = world.verified(NEXT, files=False)
        assert made.files is None
        again = LocalStorage(world.folder / "again")
        assert restore(world.place, made.backup_id, {STATE: target}, again, migrate).files == 3


class TestRotation:
    def copied(self, world: World, made: Manifest, days: int, *, verified: bool = True, packs: int = 2) -> str:
        """The same backup as of so many days later, which names the first packs only."""
        assert made.files is not None
        at = NIGHT + timedelta(days=days)
        files = made.files.model_copy(update={"packs": dict(list(made.files.packs.items())[:packs])})
        later = {"backup_id": backup_id_of(at, f"{days:06x}"), "made_at": at, "files": files}
        manifest = made.model_copy(update=later)
        world.place.storage.put_bytes(world.place.key(manifest.backup_id, "files.age"), b"")
        world.place.finish(manifest)
        if verified:
            world.place.mark_verified(manifest.backup_id)
        return manifest.backup_id

    def test_packs_go_with_the_last_backup_that_names_them(self, world: World) -> None:
        first = world.backed_up()
        world.place.mark_verified(first.backup_id)
        made = [self.copied(world, first, days) for days in range(1, 10)]
        # the first stays for its week, the second for its month
        assert world.place.rotate(NIGHT + timedelta(days=9)) == [made[1]]
        assert len(world.packs()) == 3
        for part in world.file(first, "").iterdir():
            part.unlink()
        world.place.rotate(NIGHT + timedelta(days=11))
        assert len(world.packs()) == 2

    def test_what_was_never_verified_pushes_nothing_out(self, world: World) -> None:
        good = world.backed_up()
        world.place.mark_verified(good.backup_id)
        for days in range(1, 9):
            self.copied(world, good, days, verified=False)
        assert world.place.rotate(NIGHT + timedelta(days=8)) == []
        assert world.place.resolve("latest") == good.backup_id
        self.copied(world, good, 9)
        assert len(world.place.rotate(NIGHT + timedelta(days=10))) == 8

    def test_an_unfinished_backup_is_swept_a_day_later(self, world: World) -> None:
        made = world.backed_up()
        world.file(made, "manifest.age").unlink()
        assert world.place.rotate(NIGHT + timedelta(hours=23)) == []
        assert refused(lambda: world.place.resolve(made.backup_id), BadInput).startswith("копии ")
        assert world.place.rotate(NIGHT + timedelta(hours=25)) == [made.backup_id]
        assert [path for path in world.second.rglob("*") if path.is_file()] == []


def test_without_room_nothing_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "free_bytes_of", lambda _: 1_000_000)
    assert "мало места" in refused(world.backed_up, NotConfigured)
    monkeypatch.undo()
    monkeypatch.setattr(LocalStorage, "free_bytes", lambda _: 1_000_000)
    assert "мало места" in refused(world.backed_up, NotConfigured)
    assert not world.packs()


def test_the_table_says_what_was_made_and_verified(world: World) -> None:
    made = world.verified()
    with State.open(world.state_url) as state:
        log = Backups(state.session)
        for _ in range(2):
            log.record_made(made)
            log.record_verified(made, 1.5)
    found = rows(
        world.state_url, "SELECT backup_id, made_at, bytes, verified_at <= now(), restore_seconds FROM backups"
    )
    assert found == [(made.backup_id, NIGHT, made.bytes, True, 1.5)]
    with State.open(world.state_url) as state:
        Backups(state.session).forget([made.backup_id])
    assert rows(world.state_url, "SELECT * FROM backups") == []


def test_the_catalogue_is_read_as_it_is_needed(world: World) -> None:
    made = world.backed_up()
    assert made.files is not None
    with file_packs.catalogue_of(world.place, made.backup_id, made.files.catalogue) as entries:
        assert next(entries).key == REPORT
