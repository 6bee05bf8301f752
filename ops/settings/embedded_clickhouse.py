"""Port and password of a profile's embedded ClickHouse."""

import hashlib
import hmac
import socket
from pathlib import Path

from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime

HOST = "127.0.0.1"
USER = "default"
PASSWORD_VARIABLE = "CLICKHOUSE_PASSWORD"  # noqa: S105 - a name


def port(runtime: Runtime) -> int:
    """The port that this profile has had since its first start."""
    file = runtime.home / "clickhouse_port"
    if not file.exists():
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            file.write_text(str(probe.getsockname()[1]), encoding="utf-8")
    return int(file.read_text(encoding="utf-8"))


def folder(runtime: Runtime) -> Path:
    return runtime.home / "clickhouse"


def backup_folder(runtime: Runtime) -> Path:
    """Where the engine's disk `backups` is."""
    return folder(runtime) / "backups"


def password(keys: Generated) -> str:
    """Derived, so that it needs no secret of its own."""
    return hmac.new(keys.database_roles_key.encode(), b"clickhouse", hashlib.sha256).hexdigest()[:40]
