"""`.env` and the environment in their checked form: secrets, addresses and settings of the launcher.

Values that are not secret are checked by `include/calls/policy.py`; their defaults are in `policy.yaml`. What each
setting accepts is said in `ops/wording/settings.py`.
"""

import os
import re
import stat
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from croniter import croniter
from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from include.call_centre.policy import ENVIRONMENT as QUALITY_ENVIRONMENT
from include.call_centre.policy import CallCentrePolicy, load_call_centre_policy
from include.calls.policy import ENVIRONMENT, Policy, load_policy
from include.clients.language_models.routing_table import ENVIRONMENT as ROUTING_ENVIRONMENT
from include.clients.language_models.routing_table import SWITCH as ROUTING_SWITCH
from include.clients.language_models.routing_table import routing_table
from include.common.errors import BadInput, NotConfigured
from include.common.names import DIRECT, QUEUES
from include.common.sealing import Seal
from include.sales.policy import ENVIRONMENT as SALES_ENVIRONMENT
from include.sales.policy import SalesPolicy, load_sales_policy
from include.smoke.policy import ENVIRONMENT as SMOKE_ENVIRONMENT
from ops.wording import settings as settings_wording

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
SECRET_CHARACTERS = 32
_NUMBERS = r"^\s*$|^\s*\d+(\s*,\s*\d+)*\s*$"
OPENAI = "https://api.openai.com/v1"
# what the environment may override in the reviewed files of all areas
OVERRIDES = dict.fromkeys(
    (*ENVIRONMENT, *SMOKE_ENVIRONMENT, *SALES_ENVIRONMENT, *ROUTING_ENVIRONMENT, ROUTING_SWITCH, *QUALITY_ENVIRONMENT)
)


def _portal(value: str) -> str:
    parts = urlsplit(_http_url(value).rstrip("/"))
    if parts.path not in ("", "/rest") or "@" in parts.netloc or parts.query:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:  # .port raises on garbage
        raise ValueError
    return value.rstrip("/")


def _secret_url(value: SecretStr) -> SecretStr:
    return SecretStr(_http_url(value.get_secret_value()))


def _proxy(value: SecretStr) -> SecretStr:
    return value if value.get_secret_value() == DIRECT else _secret_url(value)


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError
    return value


def _cron(value: str) -> str:
    if value and not croniter.is_valid(value):
        raise ValueError
    return value


def _bearer_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"|[\x21-\x7e]{16,}", value.get_secret_value()):
        raise ValueError
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
        raise ValueError
    if not _ADDRESS.fullmatch(mail_sender(value.get_secret_value())):
        raise ValueError
    return value


def mail_sender(smtp_url: str) -> str:
    """`from` of the address, else its user."""
    parts = urlsplit(smtp_url)
    return dict(parse_qsl(parts.query)).get("from") or unquote(parts.username or "")


def _long_secret(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < SECRET_CHARACTERS:
        raise ValueError
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not re.fullmatch(r"/?|/\d+", parts.path):
        raise ValueError
    return value


def _queues(value: str) -> str:
    found = [each.strip() for each in value.split(",") if each.strip()]
    if not found or not set(found) <= set(QUEUES):
        raise ValueError
    return ",".join(found)


def _alerts_to(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text.startswith("mailto:"):
        _addresses(text.removeprefix("mailto:"))
    elif not re.fullmatch(r"[a-z0-9+.-]+://\S+", text, re.IGNORECASE):
        raise ValueError
    return value


def _addresses(value: str) -> str:
    found = [each.strip() for each in value.split(",") if each.strip()]
    if not all(map(_ADDRESS.fullmatch, found)):
        raise ValueError
    return ",".join(found)


def _backup_url(value: str) -> str:
    parts = urlsplit(value)
    if not value or (not parts.scheme and Path(value).is_absolute()):
        return value
    if parts.scheme != "s3" or not re.fullmatch(_BUCKET, parts.netloc):
        raise ValueError
    return value.rstrip("/")


def _backup_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        try:
            Seal(value.get_secret_value())
        except NotConfigured:
            raise ValueError from None
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """Field names are the variables' names in lower case; an empty variable counts as absent."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, str_strip_whitespace=True)

    b24_base_url: Annotated[str, AfterValidator(_portal)]
    b24_webhook_user_id: Annotated[str, Field(pattern=r"^\d+$")]
    b24_webhook_token: Annotated[SecretStr, Field(min_length=1)]
    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: HttpUrl = OPENAI
    chatgpt_proxy_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _secret_url(value))] = None
    require_proxy: bool = False
    stt_fallback_base_url: HttpUrl | None = None
    stt_fallback_api_key: SecretStr = SecretStr("")
    stt_fallback_proxy_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _proxy(value))] = None
    storage_backend: Literal["local", "s3"] = "local"
    local_storage_dir: str = ""
    s3_endpoint_url: HttpUrl | None = None
    s3_region: str = "us-east-1"
    s3_bucket: Annotated[str, Field(pattern=rf"^$|^{_BUCKET}$")] = ""
    s3_prefix: Annotated[str, Field(pattern=r"^$|^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] = ""
    s3_access_key_id: str = ""
    s3_secret_access_key: SecretStr = SecretStr("")
    s3_encryption: Literal["AES256", "aws:kms", "bucket"] = "AES256"
    s3_kms_key_id: str = ""
    backup_url: Annotated[str, AfterValidator(_backup_url)] = ""
    backup_key: Annotated[SecretStr, AfterValidator(_backup_key)] = SecretStr("")
    backup_s3_endpoint_url: HttpUrl | None = None
    backup_s3_region: str = ""
    backup_s3_access_key_id: str = ""
    backup_s3_secret_access_key: SecretStr = SecretStr("")
    database_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _database_url(value))] = None
    ca_bundle: str = ""
    airflow_database: Annotated[str, Field(pattern=r"^$|^[a-z_][a-z0-9_]{0,62}$")] = ""
    anthropic_api_key: SecretStr = SecretStr("")
    deepseek_api_key: SecretStr = SecretStr("")
    gemini_api_key: SecretStr = SecretStr("")
    local_llm_url: HttpUrl | None = None
    local_llm_api_key: SecretStr = SecretStr("")
    unprotected_hosts: str = ""
    require_encrypted_disk: bool = False
    smtp_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _smtp_url(value))] = None
    alerts_to: Annotated[SecretStr | None, AfterValidator(lambda value: value and _alerts_to(value))] = None
    report_mail_to: Annotated[str, AfterValidator(_addresses)] = ""
    slack_webhook_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _secret_url(value))] = None
    metrics_token: Annotated[SecretStr, AfterValidator(_bearer_token)] = SecretStr("")
    search_token: Annotated[SecretStr, AfterValidator(_bearer_token)] = SecretStr("")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    auth_manager: Literal["simple", "fab"] = "simple"
    airflow_port: Annotated[int, Field(ge=1, le=65535)] = 8080

    # several hosts
    executor: Literal["local", "celery", "kubernetes"] = "local"
    installation_secret: Annotated[SecretStr, AfterValidator(_long_secret)] = SecretStr("")
    broker_url: Annotated[SecretStr | None, AfterValidator(lambda value: value and _redis_url(value))] = None
    airflow_api_url: HttpUrl | None = None
    worker_slots: Annotated[int, Field(ge=1, le=256)] = 8
    worker_queues: Annotated[str, AfterValidator(_queues)] = ",".join(QUEUES)

    # ticket sales and ads; a source without its token is off
    qtickets_token: SecretStr = SecretStr("")
    qtickets_api_url: HttpUrl = "https://qtickets.ru/api/rest/v1"
    vk_api: Literal["v2", "legacy"] = "v2"
    vk_api_url: HttpUrl = "https://ads.vk.com"
    vk_client_id: str = ""
    vk_client_secret: SecretStr = SecretStr("")
    vk_token: SecretStr = SecretStr("")
    vk_account_ids: Annotated[str, Field(pattern=_NUMBERS)] = ""
    vk_cron: Annotated[str, AfterValidator(_cron)] = ""
    direct_token: SecretStr = SecretStr("")
    direct_login: str = ""
    direct_api_url: HttpUrl = "https://api.direct.yandex.com/json/v501"
    direct_cron: Annotated[str, AfterValidator(_cron)] = ""
    gmail_credentials_path: str = ""
    gmail_refresh_token: SecretStr = SecretStr("")
    gmail_service_account_path: str = ""
    gmail_subject: str = ""
    gmail_api_url: HttpUrl = "https://gmail.googleapis.com"
    gmail_token_url: HttpUrl = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    ch_host: str = ""
    ch_port: Annotated[int, Field(ge=1, le=65535)] = 8443
    ch_secure: bool = True
    ch_database: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = "zakaz"
    ch_user: str = "etl_writer"
    ch_password: SecretStr = SecretStr("")
    ch_admin_user: str = ""
    ch_admin_password: SecretStr = SecretStr("")
    ch_backup_folder: str = ""
    ch_backup_to: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = "backups"
    alert_email_to: Annotated[str, AfterValidator(_addresses)] = ""
    zakaz_health_port: Annotated[int, Field(ge=1, le=65535)] = 8081

    # reviewed values: checked by load_policy, defaults in policy.yaml
    b24_rate_limit_rps: str = ""
    b24_backoff_seconds: str = ""
    recording_hosts: str = ""
    stt_model: str = ""
    stt_fallback_model: str = ""
    stt_max_file_minutes: str = ""
    stt_backoff_seconds: str = ""
    stt_timeout_seconds: str = ""
    stt_languages: str = ""
    stt_keywords: str = ""
    company_names: str = ""
    stt_operator_channel: str = ""
    transcribe_concurrency: str = ""
    whisper_rate_per_min_usd: str = ""
    stt_fallback_rate_per_min_usd: str = ""
    usd_rub_rate: str = ""
    budget_usd: str = ""
    call_summary_enabled: str = ""
    summary_model: str = ""
    call_export_cron: str = ""
    call_export_sla_hours: str = ""
    pii_masking_enabled: str = ""
    stt_smoke_playlist_path: str = ""
    stt_smoke_budget_usd: str = ""
    sales_timezone: str = ""
    qtickets_days_back: str = ""
    qtickets_rps: str = ""
    qtickets_inventory: str = ""
    vk_days_back: str = ""
    direct_days_back: str = ""
    gmail_days_back: str = ""
    gmail_query: str = ""
    gmail_senders: str = ""
    full_retention_days: str = ""
    incr_retention_days: str = ""
    ff_llm_routing_enabled: str = ""
    llm_daily_budget_usd: str = ""
    quality_llm_model: str = ""
    quality_enabled: str = ""
    quality_cards: str = ""
    quality_share: str = ""
    quality_score_threshold: str = ""
    quality_budget_usd: str = ""
    llm_concurrency: str = ""
    callcenter_timezone: str = ""

    @property
    def policy_overrides(self) -> dict[str, str]:
        """Values that replace those of policy.yaml, by variable; no secrets."""
        found = {name: str(getattr(self, name.lower())) for name in OVERRIDES}
        return {name: value for name, value in found.items() if value}

    @property
    def policy(self) -> Policy:
        return load_policy(self.policy_overrides)

    @property
    def sales_policy(self) -> SalesPolicy:
        return load_sales_policy(self.policy_overrides)

    @property
    def call_centre_policy(self) -> CallCentrePolicy:
        return load_call_centre_policy(self.policy_overrides)

    @property
    def sales_configured(self) -> bool:
        """Whether the area of sales is there at all: a source with its access, or a server of ClickHouse."""
        tokens = (self.qtickets_token, self.vk_client_secret, self.vk_token, self.direct_token)
        return bool(self.ch_host) or any(token.get_secret_value() for token in tokens)

    @property
    def without_secrets(self) -> dict[str, str]:
        """Every variable that is set and is no secret; of secrets and of addresses with a password the name alone."""
        found: dict[str, str] = {}
        for name in sorted(self.model_fields_set):
            value = getattr(self, name)
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
            if text:
                found[name.upper()] = "***" if isinstance(value, SecretStr) or "@" in text else text
        return found

    @property
    def fallback_proxy_url(self) -> SecretStr | None:
        """The proxy to the fallback's own address: that of the recogniser, unless another one or none is asked for."""
        own = self.stt_fallback_proxy_url
        if own is not None and own.get_secret_value() == DIRECT:
            return None
        return own or self.chatgpt_proxy_url

    @property
    def recogniser_configured(self) -> bool:
        """Whether requests can be sent: OpenAI needs a key, a self-hosted server may not."""
        self_hosted = urlsplit(self.openai_base_url).hostname != urlsplit(OPENAI).hostname
        return bool(self.openai_api_key.get_secret_value()) or self_hosted


COMPOSE_ONLY = frozenset(  # read by docker-compose.yaml itself
    {
        "POSTGRES_PASSWORD",
        "BROKER_PASSWORD",
        "S3_ENCRYPTION_KEY",
        "GRAFANA_ADMIN_PASSWORD",
        "GRAFANA_PORT",
        "S3_PORT",
        "ALERTMANAGER_SLACK_CHANNEL",
        "ALERTMANAGER_EMAIL_TO",
        "PAGERDUTY_ROUTING_KEY",
    }
)
VARIABLES = frozenset(name.upper() for name in Settings.model_fields)
FROM_FILES = {  # the variable that names a file, by the secret that the file holds
    f"{name.upper()}_FILE": name
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
}
NOT_FOR_PROCESSES = VARIABLES | COMPOSE_ONLY | FROM_FILES.keys()  # tasks read connections only


def load_settings(env_file: Path) -> Settings:
    """Reads the environment and, below it, `env_file`. The error names the variable and never its value."""
    try:
        source: dict[str, Any] = {"_env_file": env_file, "_env_file_encoding": "utf-8"}
        settings = Settings(**source, **_secrets_in_files(env_file))
    except ValidationError as error:
        raise _refusal(error) from None
    except UnicodeDecodeError:
        raise NotConfigured(f"{env_file.name} is not UTF-8", problem="settings_encoding", file=env_file.name) from None
    _check_together(settings)
    _ = settings.policy, settings.sales_policy
    try:
        routing_table(settings.policy_overrides, None)
    except BadInput as error:
        where, reason = error.facts["where"], error.facts["reason"]
        raise NotConfigured(str(error), problem="llm_bad_table", where=where, reason=reason) from None
    return settings


def _secrets_in_files(env_file: Path) -> dict[str, Any]:
    """Secrets of files that `<NAME>_FILE` names, as containers and secret stores hand them out; by field.

    Raises NotConfigured for a file that cannot be read, and where the secret is written in both places.
    """
    written = dotenv_values(env_file, encoding="utf-8") if env_file.exists() else {}
    given = {**written, **os.environ}
    found: dict[str, Any] = {}
    for variable, name in FROM_FILES.items():
        path = given.get(variable)
        if not path:
            continue
        if given.get(name.upper()):
            raise NotConfigured(
                f"{variable} and {name.upper()} are both set", problem="secret_twice", name=name.upper(), file=variable
            )
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = type(error).__name__
            raise NotConfigured(
                f"{variable}: the file cannot be read ({reason})", problem="secret_file", name=variable, reason=reason
            ) from None
    return found


def warnings(settings: Settings, env_file: Path) -> list[str]:
    """Sentences about settings that look wrong and do not stop the start."""
    found = []
    if not settings.recogniser_configured:
        found.append(settings_wording.NO_RECOGNISER)
    if settings.b24_base_url.startswith("http:") and urlsplit(settings.b24_base_url).hostname != "127.0.0.1":
        found.append(settings_wording.OPEN_TOKEN)
    folder = Path(settings.backup_url)
    if folder.is_absolute() and folder.exists() and folder.stat().st_dev == env_file.parent.stat().st_dev:
        found.append(settings_wording.BACKUPS_ON_SAME_DISK)
    if env_file.exists() and (mode := stat.S_IMODE(env_file.stat().st_mode)) & 0o077:
        found.append(settings_wording.OPEN_FILE.format(file=env_file.name, mode=f"{mode:o}"))
    names = dotenv_values(env_file, encoding="utf-8") if env_file.exists() else {}
    unknown = sorted(
        name for name in names if name.upper() not in NOT_FOR_PROCESSES and not name.startswith("AIRFLOW__")
    )
    return found + [settings_wording.UNKNOWN_VARIABLE.format(name=name, file=env_file.name) for name in unknown]


def _check_together(settings: Settings) -> None:
    """Rules between variables."""
    if settings.require_proxy and settings.chatgpt_proxy_url is None:
        raise NotConfigured("CHATGPT_PROXY_URL is not set, but REQUIRE_PROXY=true", problem="proxy_required")
    _check_executor(settings)
    _check_fallback(settings)
    _check_mail(settings)
    _check_sales(settings)
    if settings.storage_backend == "s3" and not settings.s3_bucket:
        raise NotConfigured("S3_BUCKET is not set, but STORAGE_BACKEND=s3", problem="bucket_missing")
    if bool(settings.s3_access_key_id) != bool(settings.s3_secret_access_key.get_secret_value()):
        raise NotConfigured(
            "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must both be set or both be empty", problem="s3_keys_apart"
        )
    if bool(settings.backup_url) != bool(settings.backup_key.get_secret_value()):
        raise NotConfigured("BACKUP_URL and BACKUP_KEY must both be set or both be empty", problem="backup_half_set")
    if bool(settings.backup_s3_access_key_id) != bool(settings.backup_s3_secret_access_key.get_secret_value()):
        raise NotConfigured(
            "BACKUP_S3_ACCESS_KEY_ID and BACKUP_S3_SECRET_ACCESS_KEY must both be set or both be empty",
            problem="backup_keys_apart",
        )
    if settings.s3_kms_key_id and settings.s3_encryption != "aws:kms":
        raise NotConfigured("S3_KMS_KEY_ID is set, but S3_ENCRYPTION is not aws:kms", problem="kms_key_unused")


def _check_executor(settings: Settings) -> None:
    """What several hosts must share before anything starts on one of them."""
    if settings.executor == "local":
        return
    wanted = {
        "DATABASE_URL": settings.database_url is not None,
        "STORAGE_BACKEND=s3": settings.storage_backend == "s3",
        "INSTALLATION_SECRET": bool(settings.installation_secret.get_secret_value()),
    }
    if settings.executor == "celery":
        wanted["BROKER_URL"] = settings.broker_url is not None
    for name, given in wanted.items():
        if not given:
            raise NotConfigured(
                f"{name} is not set, but EXECUTOR={settings.executor}",
                problem="executor_needs",
                name=name,
                executor=settings.executor,
            )
    if not _has(f"airflow.providers.{'celery' if settings.executor == 'celery' else 'cncf.kubernetes'}"):
        raise NotConfigured("EXECUTOR needs the packages of requirements-cluster.txt", problem="executor_packages")


def _check_mail(settings: Settings) -> None:
    """Mail needs a server; the provider of other receivers is an extra that not every installation has."""
    alerts = settings.alerts_to.get_secret_value() if settings.alerts_to else ""
    if settings.smtp_url is None and (
        alerts.startswith("mailto:") or settings.report_mail_to or settings.alert_email_to
    ):
        raise NotConfigured("SMTP_URL is not set, but letters are to be sent", problem="smtp_missing")
    if alerts and not alerts.startswith(("mailto:", "https://", "http://")) and not _has("airflow.providers.apprise"):
        raise NotConfigured("ALERTS_TO needs the packages of requirements-alerts.txt", problem="alerts_packages")


def _check_sales(settings: Settings) -> None:
    """The packages of sales are an extra that not every installation has."""
    wanted = ["clickhouse_connect"] if settings.ch_host else ["clickhouse_connect", "chdb"]
    if settings.sales_configured and not all(map(_has, wanted)):
        raise NotConfigured("sales are configured without their packages", problem="sales_packages")


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def _check_fallback(settings: Settings) -> None:
    """An address of the fallback's own needs a model, whose name tells its texts from those of the recogniser."""
    stt = settings.policy.stt
    if settings.stt_fallback_base_url is None:
        if settings.stt_fallback_api_key.get_secret_value() or settings.stt_fallback_proxy_url is not None:
            raise NotConfigured(
                "STT_FALLBACK_BASE_URL is not set, but its key or proxy is", problem="fallback_address_missing"
            )
        return
    if stt.fallback_model in ("", stt.model):
        raise NotConfigured(
            "STT_FALLBACK_MODEL must be set, and another name than STT_MODEL, for STT_FALLBACK_BASE_URL",
            problem="fallback_model_missing",
            model=stt.model,
        )
    if settings.require_proxy and settings.fallback_proxy_url is None:
        raise NotConfigured(
            "STT_FALLBACK_PROXY_URL is direct, but REQUIRE_PROXY=true", problem="fallback_proxy_required"
        )


def _refusal(error: ValidationError) -> NotConfigured:
    """The first setting that is wrong; the values are left out, for they may be secrets."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = str(first["loc"][0])
    name, accepted = field.upper(), settings_wording.ACCEPTED[field]
    if first["type"] == "missing":
        return NotConfigured(f"{name} is not set", problem="setting_missing", name=name, accepted=accepted)
    return NotConfigured(f"{name} is unusable", problem="setting_unusable", name=name, accepted=accepted)
