"""`policy.yaml` in its checked form: everything that is no secret and belongs to review.

The environment overrides single values; `ENVIRONMENT` is the whole list of what it may override.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from croniter import croniter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from include.common.errors import NotConfigured

POLICY_FILE = Path(__file__).with_name("policy.yaml")

# environment variable -> section and field of the policy
ENVIRONMENT: dict[str, tuple[str, str]] = {
    "CALL_EXPORT_CRON": ("schedule", "cron"),
    "CALL_EXPORT_SLA_HOURS": ("schedule", "sla_hours"),
    "B24_RATE_LIMIT_RPS": ("portal", "rate_limit_rps"),
    "B24_BACKOFF_SECONDS": ("portal", "backoff_seconds"),
    "RECORDING_HOSTS": ("portal", "recording_hosts"),
    "STT_MODEL": ("stt", "model"),
    "STT_FALLBACK_MODEL": ("stt", "fallback_model"),
    "STT_LANGUAGES": ("stt", "languages"),
    "STT_KEYWORDS": ("stt", "keywords"),
    "STT_MAX_FILE_MINUTES": ("stt", "max_file_minutes"),
    "STT_BACKOFF_SECONDS": ("stt", "backoff_seconds"),
    "STT_TIMEOUT_SECONDS": ("stt", "timeout_seconds"),
    "STT_OPERATOR_CHANNEL": ("stt", "operator_channel"),
    "WHISPER_RATE_PER_MIN_USD": ("stt", "rate_per_min_usd"),
    "TRANSCRIBE_CONCURRENCY": ("batches", "lines"),
    "BUDGET_USD": ("money", "budget_usd"),
    "USD_RUB_RATE": ("money", "usd_rub_rate"),
    "CALL_SUMMARY_ENABLED": ("summary", "enabled"),
    "SUMMARY_MODEL": ("summary", "model"),
    "PII_MASKING_ENABLED": ("privacy", "pii_masking_enabled"),
}
_NAMES = {path: name for name, path in ENVIRONMENT.items()}


def _as_list(value: object) -> object:
    """The environment writes a list as `a, b`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _cron(value: str) -> str:
    if not croniter.is_valid(value) or len(value.split()) != 5:
        raise ValueError
    return value


def _time_zone(value: str) -> str:
    if value != PORTAL_TIME and value not in available_timezones():
        raise ValueError
    return value


PORTAL_TIME = "portal"  # the offset that most calls of the period have
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"
Share = Annotated[float, Field(ge=0, le=1, description="доля от 0 до 1")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, description="число больше нуля")]
Count = Annotated[int, Field(ge=1, le=100_000, description="целое число больше нуля")]
Money = Annotated[Decimal, Field(gt=0, max_digits=14, description="сумма больше нуля, например 54 или 0.0045")]
Tariff = Annotated[Decimal, Field(ge=0, max_digits=14, description="сумма, например 0.0045; 0 для своего сервера")]
Switch = Annotated[bool, Field(description="true или false")]
Model = Annotated[str, Field(pattern=r"^\S+$", description="имя модели без пробелов, например gpt-transcribe")]
Channel = Annotated[Literal["left", "right"], Field(description="left или right")]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(description="список через запятую")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Host = Annotated[str, Field(pattern=HOST)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PeriodPolicy(Section):
    default_days: Count
    max_days: Count


class SchedulePolicy(Section):
    cron: Annotated[str, AfterValidator(_cron), Field(description="cron из пяти полей, например 0 2 * * *")]
    sla_hours: Positive


class PortalPolicy(Section):
    rate_limit_rps: Annotated[
        float,
        Field(
            gt=0, le=100, description="запросов в секунду: 2 в облаке, 5 на Enterprise, своему серверу не больше 100"
        ),
    ]
    burst: Annotated[int, Field(ge=0, le=40, description="целое число от 0 до 40")]
    low_rate_rps: Positive
    refusals_before_low_rate: Count
    refusals_window_minutes: Count
    low_rate_minutes: Count
    backoff_seconds: Positive
    recording_hosts: Annotated[
        tuple[Host, ...],
        BeforeValidator(_as_list),
        Field(description="хосты через запятую, каждый host или host:port, без http://"),
    ]
    downloads_in_flight: Count
    downloads_per_task: Annotated[int, Field(ge=1, le=32, description="целое число от 1 до 32")]


class SttPolicy(Section):
    model: Model
    fallback_model: Annotated[str, Field(pattern=r"^\S*$", description="имя модели без пробелов или пусто")]
    languages: Annotated[
        tuple[Language, ...],
        BeforeValidator(_as_list),
        Field(min_length=1, description="коды ISO 639-1 через запятую, например ru,en"),
    ]
    keywords: Words
    prompt: str
    max_file_minutes: Annotated[float, Field(gt=0, le=15, description="минуты: больше 0 и не больше 15")]
    backoff_seconds: Positive
    timeout_seconds: Positive | None
    operator_channel: Channel
    channel_map: Annotated[dict[str, Channel], Field(description="номер линии: left или right")]
    rate_per_min_usd: Tariff | None
    fallback_rate_per_min_usd: Tariff | None
    reuse_portal_transcripts: Switch
    seconds_per_minute: Positive


class BatchPolicy(Section):
    lines: Annotated[int, Field(ge=1, le=64, description="целое число от 1 до 64")]
    max_batches: Annotated[int, Field(ge=1, le=1000, description="целое число от 1 до 1000")]
    min_calls: Count
    max_calls: Count


class MoneyPolicy(Section):
    budget_usd: Money
    approval_over_share: Annotated[Decimal, Field(ge=0, description="доля, например 0.20")]
    approved_reserve_share: Annotated[Decimal, Field(ge=0, description="доля, например 0.05")]
    approval_timeout_hours: Annotated[float, Field(gt=0, le=720, description="часы: больше 0 и не больше 720")]
    usd_rub_rate: Money


class ThresholdPolicy(Section):
    min_coverage: Share
    max_error_share: Share
    max_duration_drift: Share
    dlq_after_hours: Positive
    qa_sample_size: Count


class ReviewPolicy(Section):
    """The fields of `include.speech.quality_flags.ReviewPolicy`."""

    max_words_per_minute: Positive
    min_words_per_minute: Positive
    rate_from_speech_sec: Positive
    empty_from_speech_sec: Positive
    loop_repeats: Count
    loop_words: Count
    max_gzip_ratio: Positive
    gzip_window_chars: Count
    min_expected_script: Share
    script_from_letters: Count
    same_text_pieces: Count
    same_text_share: Share
    same_text_words: Count


class SummaryPolicy(Section):
    enabled: Switch
    model: Model
    input_usd_per_million: Tariff | None
    output_usd_per_million: Tariff | None
    max_tags: Count
    tags: Words


class RetentionPolicy(Section):
    audio: Count
    recognition: Count
    texts: Count
    reports: Count
    registry: Count
    run_logs: Count
    delivered: Count
    events: Count
    rows: Count


class RetryPolicy(Section):
    missing_audio_nights: Annotated[
        tuple[Count, ...], Field(description="номера ночей по возрастанию, например 1, 2, 4, 8, 16")
    ]


class ReportPolicy(Section):
    time_zone: Annotated[
        str, AfterValidator(_time_zone), Field(description="portal или имя часового пояса, например Europe/Moscow")
    ]


class PrivacyPolicy(Section):
    pii_masking_enabled: Switch


class Policy(Section):
    """All of `policy.yaml`. Money is USD unless the name says otherwise; times are in the unit the name says."""

    period: PeriodPolicy
    schedule: SchedulePolicy
    portal: PortalPolicy
    stt: SttPolicy
    batches: BatchPolicy
    money: MoneyPolicy
    thresholds: ThresholdPolicy
    review: ReviewPolicy
    summary: SummaryPolicy
    retention_days: RetentionPolicy
    retries: RetryPolicy
    report: ReportPolicy
    privacy: PrivacyPolicy


def load_policy(overrides: Mapping[str, str], file: Path = POLICY_FILE) -> Policy:
    """`file` with the values of `overrides` (environment names; empty and unknown ones are passed over) put in.

    Raises NotConfigured: one sentence naming the variable, or the field of the file, and what is accepted.
    """
    try:
        tree: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise NotConfigured(f"{file.name}: файл не читается ({type(error).__name__}).") from None
    for name, (section, field) in ENVIRONMENT.items():
        if value := overrides.get(name, "").strip():
            tree.setdefault(section, {})[field] = value
    try:
        return Policy.model_validate(tree)
    except ValidationError as error:
        raise NotConfigured(_sentence(error, overrides, file.name)) from None


def _sentence(error: ValidationError, overrides: Mapping[str, str], file: str) -> str:
    first = error.errors(include_url=False)[0]
    path = tuple(str(part) for part in first["loc"])
    variable = _NAMES.get((path[0], path[1])) if len(path) > 1 else None
    where = variable if variable and overrides.get(variable, "").strip() else f"{file}, {'.'.join(path)}"
    accepted = _description(path)
    if accepted is None:
        return f"{where}: {first['msg']}."
    return f"{where}: значение {first['input']!r} не подходит, нужно: {accepted}."


def _description(path: tuple[str, ...]) -> str | None:
    """What the field accepts, in words; None for a field that the policy does not have."""
    section = Policy.model_fields.get(path[0])
    if section is None or len(path) < 2 or section.annotation is None:
        return None
    field = section.annotation.model_fields.get(path[1])
    if field is None:
        return None
    inner = next((part for part in getattr(field.annotation, "__args__", ()) if hasattr(part, "__metadata__")), None)
    found = field.description or next((m.description for m in getattr(inner, "__metadata__", ())), None)
    return str(found) if found else None
