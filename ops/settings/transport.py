"""Which settings lead over a network without encryption, or to a database whose certificate is not checked."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from include.common.errors import NotConfigured
from ops.settings.env_file import Settings
from ops.settings.mail_server import is_plain

CHECKED = {"verify-ca", "verify-full"}


def require_protection(settings: Settings) -> None:
    """Raises NotConfigured for a storage, a recogniser or a database on another host that is reached unprotected.

    A host of UNPROTECTED_HOSTS is one whose network a person vouches for.
    """
    allowed = {host.strip().lower() for host in settings.unprotected_hosts.split(",")}
    for name, url in _addresses(settings):
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme == "http" and not is_local(host) and host not in allowed:
            raise NotConfigured(
                f"{name} is plain HTTP to {host}: use https or name the host in UNPROTECTED_HOSTS",
                problem="plain_http",
                name=name,
                host=host,
            )
    if settings.smtp_url is not None and is_plain(settings.smtp_url.get_secret_value()):
        host = (urlsplit(settings.smtp_url.get_secret_value()).hostname or "").lower()
        if not is_local(host) and host not in allowed:
            raise NotConfigured(
                f"SMTP_URL sends letters to {host} in the clear: leave out tls=no or name the host in "
                "UNPROTECTED_HOSTS",
                problem="plain_mail",
                host=host,
            )
    warehouse = settings.ch_host.lower()
    if warehouse and not settings.ch_secure and not is_local(warehouse) and warehouse not in allowed:
        raise NotConfigured(
            f"CH_SECURE=false sends the password to {warehouse} in the clear: leave it out or name the host in "
            "UNPROTECTED_HOSTS",
            problem="plain_warehouse",
            host=warehouse,
        )
    if settings.database_url is not None:
        parts_of_url = conninfo_to_dict(settings.database_url.get_secret_value())
        if parts_of_url.get("sslmode") in CHECKED:
            return
        for host in _database_hosts(parts_of_url):
            if not is_local(host) and host not in allowed:
                raise NotConfigured(
                    f"DATABASE_URL does not check the certificate of {host}: add sslmode=verify-full or name the host "
                    "in UNPROTECTED_HOSTS",
                    problem="unchecked_database",
                    host=host,
                )


def is_local(host: str) -> bool:
    """A unix socket or this machine itself."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "OPENAI_BASE_URL", settings.openai_base_url
    if settings.storage_backend == "s3":
        yield "S3_ENDPOINT_URL", settings.s3_endpoint_url or ""
    if settings.backup_url.startswith("s3:"):
        yield "BACKUP_S3_ENDPOINT_URL", settings.backup_s3_endpoint_url or settings.s3_endpoint_url or ""


def _database_hosts(parts: Mapping[str, object]) -> list[str]:
    """libpq tries several hosts; `hostaddr` is what it connects to where both are given."""
    found = str(parts.get("hostaddr") or parts.get("host") or "")
    return [host.strip().lower() for host in found.split(",")]
