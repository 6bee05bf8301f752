"""Every command of the page on backups, as its recipe in the Makefile calls the launcher, over real databases."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from rich.console import Console
from typer.testing import CliRunner

from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.state.migrate import current, head, migrate
from include.clients.postgresql.scratch import beside, name_of
from include.clients.storage.local import LocalStorage
from include.common.errors import ExportError, NotConfigured
from include.common.sealing import Seal, new_key
from ops import __main__ as launcher
from ops import backups
from ops import prepare as preparing
from ops.backups import migration_is_due, remember_migration
from ops.settings.databases import Databases
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from tests.kit.runbook_blocks import BACKUPS, ROOT, commands

pytestmark = [pytest.mark.postgres, pytest.mark.long]

EXAMPLE = "20261129T001500Z-1a2b3c"  # the id that the page shows
Typed = Callable[..., str]


@pytest.fixture
def runtime(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A system profile whose databases are on the tests' server; Airflow's has one table."""
    settings = {
        "B24_BASE_URL": "https://company.bitrix24.ru",
        "B24_WEBHOOK_USER_ID": "1",
        "B24_WEBHOOK_TOKEN": "s3cr3ttoken",
        "DATABASE_URL": database,
        "BACKUP_URL": str(tmp_path / "second"),
        "BACKUP_KEY": new_key(),
    }
    root = tmp_path / "root"
    root.mkdir()
    (root / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()), encoding="utf-8")
    monkeypatch.setattr(launcher, "Runtime", partial(Runtime, root=root))
    monkeypatch.setattr(launcher, "console", Console(soft_wrap=True, width=300))
    made = Runtime("main", root)
    made.make()
    LocalStorage(made.storage).put_bytes("transcripts/2026/11/28/call_1.txt", b"words", "")
    airflow = beside(database, "airflow")
    with on_server(database) as server:
        server.execute("CREATE DATABASE airflow")
    with psycopg.connect(airflow) as connection:
        connection.execute("CREATE TABLE alembic_version AS SELECT 'rev1' AS version_num")
    yield made
    with on_server(database) as server:
        for (name,) in server.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^airflow|_before_|^call_export'"
        ):
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def on_server(url: str) -> "psycopg.Connection[tuple[str]]":
    return psycopg.connect(beside(url, "postgres"), autocommit=True)


@pytest.fixture
def typed(runtime: Runtime) -> Typed:
    """Types a command of the page; returns what it printed."""
    said = commands(BACKUPS)

    def type_in(command: str, backup_id: str = EXAMPLE) -> str:
        assert command in said
        line = command.replace(EXAMPLE, backup_id)
        recipe = subprocess.run(
            ["make", "-n", "PYTHON=true", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, text=True, check=True
        )
        arguments = shlex.split(recipe.stdout.replace("\\\n", " ").partition("-m ops ")[2])
        done = CliRunner().invoke(launcher.app, arguments)
        if done.exception is not None:
            raise done.exception
        return done.output

    return type_in


def backup_id_in(output: str) -> str:
    return re.findall(r"\d{8}T\d{6}Z-[0-9a-f]{6}", output)[0]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(ExportError) as caught:
        work()
    return launcher.sentence(caught.value)


def test_the_page_from_its_first_command_to_its_last(runtime: Runtime, database: str, typed: Typed) -> None:
    Seal(typed("make backup-key").strip())
    made = typed("make backup")
    assert "все таблицы совпали" in made
    backup_id = backup_id_in(made)
    assert backup_id in typed("make verify-backup")
    assert "прочитано файлов — 1" in typed("make verify-backup FILES=true")
    assert backup_id in typed("make verify-backup FROM=20261129T001500Z-1a2b3c", backup_id)
    assert "не пуста" in refusal(lambda: typed("make restore FROM=latest"))
    LocalStorage(runtime.storage).delete("transcripts/2026/11/28/call_1.txt")
    aside = typed("make restore FROM=latest ASIDE=true")
    assert "удалено снова: записей 0" in aside
    assert f"База {name_of(database)} переименована в {name_of(database)}_before_" in aside
    assert "файлов 1" in aside
    with on_server(database) as server:
        names = (name_of(database), "airflow")
        for name in names:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name_of(database))))  # of DATABASE_URL
    assert backup_id in typed("make restore FROM=latest")
    assert current(database) == head()
    with psycopg.connect(database) as state:
        entries = state.execute(
            "SELECT detail ->> 'backup' FROM audit_log WHERE action = 'database_restored'"
        ).fetchall()
    assert entries == [(backup_id,)]
    typed("make restore FROM=20261129T001500Z-1a2b3c INTO=call_export_november", backup_id)
    assert current(beside(database, "call_export_november")) == head()


def test_a_restore_erases_again_with_the_key_of_the_system(
    runtime: Runtime, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def erase_again(_state: object, _storage: object, _policy: object, key: ErasureKey) -> int:
        asked.append(key.name)
        return 3

    monkeypatch.setattr(backups, "erase_again", erase_again)
    typed("make backup")
    assert "удалено снова: записей 3" in typed("make restore FROM=latest ASIDE=true")
    assert asked == [ErasureKey.of(generated(runtime).erasure_key).name]


def test_every_command_of_the_page_is_typed() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {"make up", "make down", "make sql"}  # tests/airflow/test_runbook_commands.py
    # `docker compose` is run by trials/containers; the others are typed here
    typed = [one for one in commands(BACKUPS) if not one.startswith("docker compose")]
    assert [one for one in typed if one not in elsewhere and f'"{one}"' not in here] == []


def test_without_a_second_place_a_sentence_says_so(runtime: Runtime, typed: Typed) -> None:
    text = runtime.env_file.read_text(encoding="utf-8")
    runtime.env_file.write_text(re.sub("BACKUP_.*\n", "", text), encoding="utf-8")
    assert "BACKUP_URL" in refusal(lambda: typed("make backup"))


class TestBeforeAMigration:
    def prepared(self, runtime: Runtime, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preparing, "_airflow", lambda *_: None)
        found = Databases(url, beside(url, "airflow"))
        preparing.prepare(load_settings(runtime.env_file), runtime, found, {}, Console(quiet=True))

    def test_the_databases_are_saved_and_verified(
        self, runtime: Runtime, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate(empty_database, "0002")
        generated(runtime)
        self.prepared(runtime, empty_database, monkeypatch)
        with psycopg.connect(empty_database) as state:
            found = state.execute("SELECT reason, verified_at IS NOT NULL FROM backups").fetchall()
        assert found == [("migration", True)]
        self.prepared(runtime, empty_database, monkeypatch)
        with psycopg.connect(empty_database) as state:
            assert state.execute("SELECT count(*) FROM backups").fetchone() == (1,), "nothing was to be migrated"

    def test_a_new_system_and_a_migrated_one_have_nothing_to_save(
        self, runtime: Runtime, database: str, empty_database: str
    ) -> None:
        assert not migration_is_due(Databases(empty_database, ""), runtime)
        assert migration_is_due(Databases(database, ""), runtime), "a version of Airflow is unknown"
        remember_migration(runtime)
        assert not migration_is_due(Databases(database, ""), runtime)


def test_a_folder_of_the_system_is_no_second_place(runtime: Runtime, typed: Typed) -> None:
    text = runtime.env_file.read_text(encoding="utf-8")
    runtime.env_file.write_text(re.sub("BACKUP_URL=.*", f"BACKUP_URL={runtime.home}/copies", text), encoding="utf-8")
    with pytest.raises(NotConfigured, match="inside the system's own"):
        typed("make backup")
