"""Settings -> Airflow connections, by the ids of `include/common/names.py` and `include/calls/names.py`.

The only place that knows how a setting becomes a connection.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from include.calls import names as calls
from include.clients.postgresql.scratch import name_of
from include.common import names
from include.common.errors import NotConfigured
from ops.settings.databases import metadata_database
from ops.settings.env_file import Settings
from ops.settings.generated_secrets import ADMIN, TASKS, Generated
from ops.settings.mail_server import smtp_connection
from ops.settings.profile import Runtime
from ops.settings.sales_connections import sales_connections

Connection = dict[str, Any]
# where these vendors speak OpenAI's format; Anthropic's address is the SDK's own
DEEPSEEK = "https://api.deepseek.com"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"


def connections(
    settings: Settings,
    runtime: Runtime,
    keys: Generated,
    *,
    state_url: str,
    api_url: str,
    by_person: bool = False,
    dumping_as: tuple[str, str] | None = None,
) -> dict[str, Connection]:
    """Airflow connections by id, in Airflow's JSON form.

    Tasks call Airflow's API as a user of low rights, a command that a person has typed as the administrator.
    `dumping_as`: user and password of the database for backups, if not those of `state_url`.
    """
    login, password = (ADMIN, keys.admin_password) if by_person else (TASKS, keys.tasks_password)
    found = {
        names.PORTAL_CONN: _portal(settings),
        calls.STATE_CONN: _postgres(state_url),
        calls.STORAGE_CONN: _s3(settings) if settings.storage_backend == "s3" else _local(settings, runtime),
        calls.POLICY_CONN: {"conn_type": "generic", "extra": settings.policy_overrides},
        names.AIRFLOW_API_CONN: {
            "conn_type": "http",
            "host": api_url,
            "login": login,
            "password": password,
        },
        calls.METRICS_CONN: {
            "conn_type": "generic",
            "password": metrics_token(settings, keys),
        },
        calls.ERASURE_CONN: {"conn_type": "generic", "password": keys.erasure_key},
    }
    if settings.recogniser_configured:
        found[names.RECOGNISER_CONN] = _recogniser(settings)
    if settings.backup_url:
        found[calls.BACKUP_CONN] = _backup(settings, runtime, state_url, dumping_as)
    if settings.stt_fallback_base_url:
        key = settings.stt_fallback_api_key
        found[names.FALLBACK_RECOGNISER_CONN] = _service(
            settings.stt_fallback_base_url, key, settings.fallback_proxy_url, settings
        )
    if settings.sales_configured:
        found |= sales_connections(settings, runtime, keys)
    if token := settings.search_token.get_secret_value():
        found[calls.SEARCH_CONN] = {"conn_type": "generic", "password": token}
    if settings.smtp_url:
        found[names.MAIL_CONN] = smtp_connection(settings.smtp_url, timeout=30)
        found[names.MAIL_CONN]["extra"]["to"] = settings.report_mail_to
    if settings.alerts_to:
        found[names.ALERTS_CONN] = _alerts(settings.alerts_to.get_secret_value(), settings)
    found |= _language_models(settings)
    if settings.slack_webhook_url:
        found[names.SLACK_CONN] = _slack(settings.slack_webhook_url.get_secret_value())
    return found


def metrics_token(settings: Settings, keys: Generated) -> str:
    """The token that Prometheus sends: METRICS_TOKEN, or the generated one of this profile."""
    return settings.metrics_token.get_secret_value() or keys.metrics_token


def _portal(settings: Settings) -> Connection:
    return {
        "conn_type": "bitrix24",
        "host": settings.b24_base_url,
        "login": settings.b24_webhook_user_id,
        "password": settings.b24_webhook_token.get_secret_value(),
    }


def _recogniser(settings: Settings) -> Connection:
    return _service(settings.openai_base_url, settings.openai_api_key, settings.chatgpt_proxy_url, settings)


def _service(url: str, key: SecretStr, proxy_url: SecretStr | None, settings: Settings) -> Connection:
    extra: dict[str, Any] = {"never_direct": settings.require_proxy}
    if proxy_url:
        proxy = proxy_url.get_secret_value()
        extra["proxy_url"] = proxy
        # No code reads this key. Airflow's masker hides values of keys with such a name, so it also hides the password
        # where it appears without the rest of the URL.
        if password := urlsplit(proxy).password:
            extra["proxy_password"] = unquote(password)
    return {
        "conn_type": "recogniser",
        "host": url,
        "password": key.get_secret_value(),
        "extra": extra,
    }


def _language_models(settings: Settings) -> dict[str, Connection]:
    """The vendors' other services: each for a key of its own. OpenAI's is the recogniser's connection."""
    given: dict[str, tuple[str, SecretStr]] = {
        names.LLM_ANTHROPIC_CONN: ("", settings.anthropic_api_key),
        names.LLM_DEEPSEEK_CONN: (DEEPSEEK, settings.deepseek_api_key),
        names.LLM_GEMINI_CONN: (GEMINI, settings.gemini_api_key),
    }
    found = {
        name: _service(url, key, settings.chatgpt_proxy_url, settings) | {"conn_type": "generic"}
        for name, (url, key) in given.items()
        if key.get_secret_value()
    }
    if settings.local_llm_url:
        own = _service(settings.local_llm_url, settings.local_llm_api_key, settings.chatgpt_proxy_url, settings)
        found[names.LLM_LOCAL_CONN] = own | {"conn_type": "generic"}
    return found


def _postgres(url: str) -> Connection:
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    found: Connection = {"conn_type": "postgres"}
    for libpq, airflow in {"host": "host", "user": "login", "password": "password", "dbname": "schema"}.items():
        if libpq in parts:
            found[airflow] = parts.pop(libpq)
    if "port" in parts:
        found["port"] = int(parts.pop("port"))
    return found | {"extra": parts}


def _s3(settings: Settings) -> Connection:
    extra = {
        "endpoint_url": settings.s3_endpoint_url,
        "region_name": settings.s3_region,
        "bucket": settings.s3_bucket,
        "prefix": settings.s3_prefix,
        "encryption": settings.s3_encryption,
        "kms_key_id": settings.s3_kms_key_id,
    }
    return {
        "conn_type": "aws",
        "login": settings.s3_access_key_id,
        "password": settings.s3_secret_access_key.get_secret_value(),
        "extra": {key: value for key, value in extra.items() if value},
    }


def _local(settings: Settings, runtime: Runtime) -> Connection:
    return {"conn_type": "fs", "extra": {"path": str(local_storage(settings, runtime))}}


def local_storage(settings: Settings, runtime: Runtime) -> Path:
    return runtime.root / settings.local_storage_dir if settings.local_storage_dir else runtime.storage


def _backup(settings: Settings, runtime: Runtime, state_url: str, dumping_as: tuple[str, str] | None) -> Connection:
    """The key's name makes Airflow's masker hide it. Tasks have no settings: what a backup says of them is here."""
    extra: Connection = {
        "secret_key_of_backups": settings.backup_key.get_secret_value(),
        "airflow_database": metadata_database(name_of(state_url), settings.airflow_database),
        "settings": settings.without_secrets,
    }
    if dumping_as:
        extra |= {"database_user": dumping_as[0], "database_password": dumping_as[1]}
    where = urlsplit(settings.backup_url)
    if where.scheme == "s3":
        own = bool(settings.backup_s3_access_key_id)
        secret = settings.backup_s3_secret_access_key if own else settings.s3_secret_access_key
        extra |= {
            "endpoint_url": settings.backup_s3_endpoint_url or settings.s3_endpoint_url,
            "region_name": settings.backup_s3_region or settings.s3_region,
            "bucket": where.netloc,
            "prefix": where.path.strip("/"),
            "encryption": settings.s3_encryption,
            "kms_key_id": settings.s3_kms_key_id,
        }
        return {
            "conn_type": "aws",
            "login": settings.backup_s3_access_key_id if own else settings.s3_access_key_id,
            "password": secret.get_secret_value(),
            "extra": {key: value for key, value in extra.items() if value},
        }
    folder = Path(settings.backup_url)
    ours = (runtime.home, local_storage(settings, runtime))
    if any(folder.is_relative_to(one) or one.is_relative_to(folder) for one in ours):
        raise NotConfigured(
            "BACKUP_URL: the folder is inside the system's own, or around it", problem="backup_beside", folder=folder
        )
    return {"conn_type": "fs", "extra": {**extra, "path": str(folder)}}


def _alerts(url: str, settings: Settings) -> Connection:
    """To whom messages go beside Slack, by the form of the address: letters, a webhook like Slack's, Apprise's rest."""
    if url.startswith("mailto:"):
        assert settings.smtp_url is not None  # noqa: S101  checked with the settings
        conn = smtp_connection(settings.smtp_url, timeout=4)
        conn["extra"]["to"] = url.removeprefix("mailto:")
        return conn
    if url.startswith(("https://", "http://")):
        return _slack(url)
    # the key's name makes Airflow's masker hide the address where it is shown without the rest
    return {"conn_type": "apprise", "extra": {"config": {"path": url}, "secret_address": url}}


def _slack(url: str) -> Connection:
    """The secret part of the webhook becomes the password, which Airflow masks."""
    base, separator, token = url.partition("/services/")
    if not separator:
        base, _, token = url.rpartition("/")
        return {"conn_type": "slackwebhook", "host": base, "password": token}
    return {"conn_type": "slackwebhook", "host": f"{base}/services", "password": token}
