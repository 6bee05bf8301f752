"""Generated secrets: made once for each profile, kept in a file of mode 0600; or derived from INSTALLATION_SECRET."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ops.settings.env_file import Settings
from ops.settings.profile import Runtime

ADMIN = "admin"
SECURITY = "security"  # a second person: an erasure is not approved by the one who started it
TASKS = "tasks"  # what tasks tell Airflow they tell as this user: it may see and change runs, nothing else


@dataclass(frozen=True)
class Generated:
    jwt_secret: str
    api_secret_key: str
    fernet_key: str
    admin_password: str
    postgres_password: str
    metrics_token: str
    erasure_key: str  # lost, and erased calls come back: kept with the backups, apart from them
    security_password: str
    database_roles_key: str
    tasks_password: str

    @classmethod
    def fresh(cls) -> "Generated":
        return cls(
            jwt_secret=secrets.token_urlsafe(48),
            api_secret_key=secrets.token_urlsafe(32),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            admin_password=secrets.token_urlsafe(12),
            postgres_password=secrets.token_urlsafe(24),
            metrics_token=secrets.token_urlsafe(32),
            erasure_key=secrets.token_urlsafe(48),
            security_password=secrets.token_urlsafe(12),
            database_roles_key=secrets.token_urlsafe(32),
            tasks_password=secrets.token_urlsafe(24),
        )

    @classmethod
    def derived(cls, secret: str) -> "Generated":
        """The same on every host that knows the installation's secret."""
        found = {field.name: _named(secret, field.name) for field in fields(cls)}
        return cls(**{name: base64.urlsafe_b64encode(key).decode() for name, key in found.items()})


def _named(secret: str, name: str) -> bytes:
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).digest()


def passwords_file(runtime: Runtime) -> Path:
    """The file that SimpleAuthManager reads: `{"admin": "...", "security": "...", "tasks": "..."}`."""
    return runtime.home / "passwords.json"


def generated(runtime: Runtime, settings: Settings | None = None) -> Generated:
    """The secrets of the installation, or of the profile: then made on the first call, and kept.

    Secrets that a newer release adds are made when it first runs.
    """
    if settings and (secret := settings.installation_secret.get_secret_value()):
        found = Generated.derived(secret)
        _write_passwords(runtime, found, {})
        return found
    file = runtime.home / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found = Generated(**(asdict(Generated.fresh()) | kept))
    if asdict(found) != kept:
        write_private(file, json.dumps(asdict(found)))
    _write_passwords(runtime, found, _passwords(runtime))
    return found


def _write_passwords(runtime: Runtime, keys: Generated, kept: dict[str, str]) -> None:
    """`kept` are passwords that a person may have changed."""
    wanted = {ADMIN: keys.admin_password, SECURITY: keys.security_password, TASKS: keys.tasks_password} | kept
    if wanted != _passwords(runtime):
        write_private(passwords_file(runtime), json.dumps(wanted))


def _passwords(runtime: Runtime) -> dict[str, str]:
    file = passwords_file(runtime)
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return known


def write_private(file: Path, text: str) -> None:
    """Writes the file atomically; other users can never read it, not even while it is written."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    temporary.replace(file)
