"""`policy.yaml` in its checked form: every setting that is not secret and belongs to review.

The environment overrides single values; `ENVIRONMENT` is the whole list of what it may override.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from include.calls.domain.report_zone import OF_PORTAL
from include.calls.wording.settings import ACCEPTED_VALUES
from include.common.policy_file import (
    Count,
    Money,
    Positive,
    Section,
    Share,
    Switch,
    Words,
    as_list,
    load_policy_file,
)

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
    "COMPANY_NAMES": ("speakers", "company_names"),
    "STT_MAX_FILE_MINUTES": ("stt", "max_file_minutes"),
    "STT_BACKOFF_SECONDS": ("stt", "backoff_seconds"),
    "STT_TIMEOUT_SECONDS": ("stt", "timeout_seconds"),
    "STT_OPERATOR_CHANNEL": ("stt", "operator_channel"),
    "WHISPER_RATE_PER_MIN_USD": ("stt", "rate_per_min_usd"),
    "STT_FALLBACK_RATE_PER_MIN_USD": ("stt", "fallback_rate_per_min_usd"),
    "TRANSCRIBE_CONCURRENCY": ("batches", "slots"),
    "BUDGET_USD": ("money", "budget_usd"),
    "USD_RUB_RATE": ("money", "usd_rub_rate"),
    "CALL_SUMMARY_ENABLED": ("summary", "enabled"),
    "SUMMARY_MODEL": ("summary", "model"),
    "PII_MASKING_ENABLED": ("privacy", "pii_masking_enabled"),
}
PUBLIC_URL = "AIRFLOW__API__BASE_URL"  # Airflow's own option, which is no setting of ours
THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104  compared, not listened on


def _cron(value: str) -> str:
    if not croniter.is_valid(value) or len(value.split()) != 5:
        raise ValueError
    return value


def _time_zone(value: str) -> str:
    if value == OF_PORTAL:
        return value
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError from None


def _address(value: str) -> str:
    found = urlsplit(value)
    if value and (found.scheme not in ("http", "https") or not found.hostname):
        raise ValueError
    return quote(value.rstrip("/"), safe=":/[]%")


def _public(value: str) -> str:
    """Empty for what people cannot open from elsewhere: an address of this machine, or none at all."""
    try:
        known = _address(value)
    except ValueError:
        return ""
    return "" if urlsplit(known).hostname in THIS_MACHINE else known


HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"
# A description is the key of the Russian words in `wording/settings.py`.
Tariff = Annotated[Decimal, Field(ge=0, max_digits=14, description="a sum such as 0.0045; 0 for a server of one's own")]
Model = Annotated[str, Field(pattern=r"^\S+$", description="a model's name without blanks, such as gpt-transcribe")]
Channel = Annotated[Literal["left", "right"], Field(description="left or right")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Host = Annotated[str, Field(pattern=HOST)]


class PeriodPolicy(Section):
    default_days: Count
    max_days: Count


class SchedulePolicy(Section):
    cron: Annotated[str, AfterValidator(_cron), Field(description="cron with five fields, such as 0 2 * * *")]
    sla_hours: Positive


class PortalPolicy(Section):
    rate_limit_rps: Annotated[
        float,
        Field(gt=0, le=100, description="requests a second: 2 in the cloud, 5 with Enterprise, at most 100"),
    ]
    burst: Annotated[int, Field(ge=0, le=40, description="a whole number from 0 to 40")]
    low_rate_rps: Positive
    refusals_before_low_rate: Count
    refusals_window_minutes: Count
    low_rate_minutes: Count
    backoff_seconds: Positive
    recording_hosts: Annotated[
        tuple[Host, ...],
        BeforeValidator(as_list),
        Field(description="hosts separated by commas, each host or host:port"),
    ]
    clock_may_differ_seconds: Positive
    downloads_in_flight: Count
    downloads_per_task: Annotated[int, Field(ge=1, le=32, description="a whole number from 1 to 32")]


class SttPolicy(Section):
    model: Model
    fallback_model: Annotated[str, Field(pattern=r"^\S*$", description="a model's name without blanks, or empty")]
    languages: Annotated[
        tuple[Language, ...],
        BeforeValidator(as_list),
        Field(min_length=1, description="ISO 639-1 codes separated by commas, such as ru,en"),
    ]
    keywords: Words
    prompt: str
    max_file_minutes: Annotated[float, Field(gt=0, le=15, description="minutes, above 0 and at most 15")]
    backoff_seconds: Positive
    timeout_seconds: Positive | None
    operator_channel: Channel
    channel_map: Annotated[dict[str, Channel], Field(description="phone line: left or right")]
    rate_per_min_usd: Tariff | None
    fallback_rate_per_min_usd: Tariff | None
    reuse_portal_transcripts: Switch
    seconds_per_minute: Positive


class BatchPolicy(Section):
    slots: Annotated[int, Field(ge=1, le=64, description="a whole number from 1 to 64")]
    max_batches: Annotated[int, Field(ge=1, le=1000, description="a whole number from 1 to 1000")]
    min_calls: Count
    max_calls: Count


class MoneyPolicy(Section):
    budget_usd: Money
    approval_over_share: Annotated[Decimal, Field(ge=0, description="a share such as 0.20")]
    approved_reserve_share: Annotated[Decimal, Field(ge=0, description="a share such as 0.20")]
    approval_timeout_hours: Annotated[float, Field(gt=0, le=720, description="hours, above 0 and at most 720")]
    usd_rub_rate: Money


class ThresholdPolicy(Section):
    min_coverage: Share
    max_error_share: Share
    max_duration_drift: Share
    max_issue_share: Share
    dlq_after_hours: Positive
    qa_sample_size: Count


class BarsPolicy(Section):
    """How bad a run may be and still be completed; `include/calls/domain/run_bars.py` says what each share is of."""

    min_cases: Count
    max_newly_missing_share: Share
    max_unreadable_share: Share
    max_empty_share: Share
    max_much_not_sent_share: Share
    max_flagged_share: Share


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
    min_sent_share: Share
    unsent_from_sec: Positive
    max_music_share: Share
    min_confidence: Share
    confidence_from_speech_sec: Positive
    tail_drop: Positive
    tail_words: Count


class SpeakerPolicy(Section):
    """The fields of `include.speech.speaker_roles.SpeakerSigns`, and when a report speaks of swapped channels."""

    company_names: Words
    operator_phrases: Words
    client_phrases: Words
    enough: Count
    swapped_from_calls: Count


class SummaryPolicy(Section):
    enabled: Switch
    model: Model
    input_usd_per_million: Tariff | None
    output_usd_per_million: Tariff | None
    max_tags: Count
    tags: Words


class RetentionPolicy(Section):
    """Days by class of data. A recording's row is what its files are found by, so it must outlive them; audio and
    recognition hold every word of the text, so they must not outlive it."""

    audio: Count
    recognition: Count
    texts: Annotated[int, Field(ge=1, le=100_000, description="days, at least as many as audio and recognition")]
    reports: Count
    registry: Count
    run_logs: Count
    delivered: Count
    events: Count
    rows: Annotated[int, Field(ge=1, le=100_000, description="days, at least as many as every other period")]
    audit: Annotated[int, Field(ge=1095, le=100_000, description="days, at least 1095")]

    @field_validator("texts")
    @classmethod
    def _outlives_what_holds_its_words(cls, texts: int, earlier: ValidationInfo) -> int:
        if texts < max(earlier.data.values(), default=0):  # `audio` and `recognition`: fields above it
            raise ValueError
        return texts

    @field_validator("rows")
    @classmethod
    def _outlives_the_files(cls, rows: int, others: ValidationInfo) -> int:
        if rows < max(others.data.values(), default=0):
            raise ValueError
        return rows


class RetryPolicy(Section):
    missing_audio_nights: Annotated[
        tuple[Count, ...], Field(min_length=1, description="numbers of nights, such as 1, 2, 4, 8, 16")
    ]


class ReportPolicy(Section):
    time_zone: Annotated[
        str, AfterValidator(_time_zone), Field(description="portal, or a time zone's name such as Europe/Moscow")
    ]
    mail_max_mb: Count
    public_url: Annotated[
        str, AfterValidator(_address), Field(description="an address such as https://company.ru/airflow, or empty")
    ]
    grafana_url: Annotated[
        str, AfterValidator(_address), Field(description="an address such as https://company.ru/airflow, or empty")
    ]


class PrivacyPolicy(Section):
    pii_masking_enabled: Switch
    mask_prompts: Switch
    mask_deliveries: Switch
    secret_days: Count


class Policy(Section):
    """All of `policy.yaml`. Money is USD unless the name says otherwise; times are in the unit the name says."""

    period: PeriodPolicy
    schedule: SchedulePolicy
    portal: PortalPolicy
    stt: SttPolicy
    batches: BatchPolicy
    money: MoneyPolicy
    thresholds: ThresholdPolicy
    bars: BarsPolicy
    review: ReviewPolicy
    speakers: SpeakerPolicy
    summary: SummaryPolicy
    report: ReportPolicy
    retention_days: RetentionPolicy
    retries: RetryPolicy
    privacy: PrivacyPolicy


def load_policy(overrides: Mapping[str, str], file: Path = POLICY_FILE) -> Policy:
    """`file` with the values of `overrides` (variables; empty and unknown ones are ignored) put in.

    Raises NotConfigured that names the variable, or the field of the file, and what is accepted.
    """
    policy = load_policy_file(Policy, file, ENVIRONMENT, overrides, ACCEPTED_VALUES)
    if policy.report.public_url or PUBLIC_URL not in overrides:
        return policy
    # Airflow has always an address, often this machine's: it must not take the place of the one for people.
    report = policy.report.model_copy(update={"public_url": _public(overrides[PUBLIC_URL])})
    return policy.model_copy(update={"report": report})
