"""PgBouncer in transaction mode in front of PostgreSQL: a pooler behind which session locks protect nothing."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from include.common.errors import NotConfigured

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
START_SECONDS = 60
FEWER_THAN_CLIENTS = 4  # connections to the server: clients have to share them


@contextmanager
def pooled(url: str, folder: Path, *, ignored: str = "", port: int = 6432) -> Iterator[str]:
    """The database of `url` (a unix socket) behind a pooler, whose address is a unix socket in `folder`.

    `ignored`: startup parameters that the pooler swallows instead of refusing them. Raises NotConfigured without the
    program.
    """
    if PROGRAM is None:
        raise NotConfigured("pgbouncer is not installed")
    folder.chmod(0o700)  # no one else is let in, so the pooler asks for no password
    target = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    user, password = target["user"], target.get("password", "")
    server = " ".join(f"{name}={target[name]}" for name in ("host", "port", "dbname") if name in target)
    (folder / "users").write_text(f'"{user}" "{password}"\n', encoding="utf-8")
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{target['dbname']} = {server}\n"
        f"[pgbouncer]\nlisten_addr =\nlisten_port = {port}\nunix_socket_dir = {folder}\npool_mode = transaction\n"
        f"auth_type = trust\nauth_file = {folder / 'users'}\ndefault_pool_size = {FEWER_THAN_CLIENTS}\n"
        f"max_client_conn = 500\nignore_startup_parameters = {ignored}\n",
        encoding="utf-8",
    )
    command = [PROGRAM, "--quiet", str(folder / "pgbouncer.ini")]
    if os.getuid() == 0:  # the program refuses to run as root: as the server's user, who may open its socket
        other = pwd.getpwuid(Path(target["host"]).stat().st_uid)
        for each in (folder, *folder.iterdir()):
            os.chown(each, other.pw_uid, other.pw_gid)
        command[1:1] = ["--user", other.pw_name]
    address = make_conninfo(host=str(folder), port=port, user=user, dbname=target["dbname"])
    with subprocess.Popen(command) as process:
        try:
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > ends:
                raise NotConfigured("pgbouncer does not start") from None
            time.sleep(0.05)
        else:
            return
