"""`policy.yaml`, and the variables that override it."""

import ast
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from include.calls.policy import ENVIRONMENT, POLICY_FILE, PUBLIC_URL, Policy, RetentionPolicy, load_policy
from include.calls.steps.build_transcript import review_of
from include.calls.wording.problems import sentence
from include.calls.wording.settings import ACCEPTED_VALUES
from include.common.errors import NotConfigured
from include.common.policy_file import Section, accepted_value
from include.common.wording import problems
from include.speech.quality_flags import ReviewPolicy
from tests.kit.paths import ROOT

# a usable value of every variable, other than the file's own
USABLE = {
    "CALL_EXPORT_CRON": "30 3 * * 1",
    "CALL_EXPORT_SLA_HOURS": "7",
    "B24_RATE_LIMIT_RPS": "0.5",
    "B24_BACKOFF_SECONDS": "0.1",
    "RECORDING_HOSTS": "pbx.example.ru, 10.0.0.5:8443",
    "STT_MODEL": "whisper-1",
    "STT_FALLBACK_MODEL": "whisper-1",
    "STT_LANGUAGES": "ru,kk",
    "STT_KEYWORDS": "Ромашка, СБП",
    "COMPANY_NAMES": "Ромашка, Ромашка-сервис",
    "STT_MAX_FILE_MINUTES": "10",
    "STT_BACKOFF_SECONDS": "0.1",
    "STT_TIMEOUT_SECONDS": "90",
    "STT_OPERATOR_CHANNEL": "right",
    "WHISPER_RATE_PER_MIN_USD": "0.0061",
    "STT_FALLBACK_RATE_PER_MIN_USD": "0.0061",
    "TRANSCRIBE_CONCURRENCY": "13",
    "BUDGET_USD": "12.50",
    "USD_RUB_RATE": "91.7",
    "CALL_SUMMARY_ENABLED": "true",
    "SUMMARY_MODEL": "some-model",
    "PII_MASKING_ENABLED": "true",
}
UNUSABLE = {
    "CALL_EXPORT_CRON": "каждый день",
    "CALL_EXPORT_SLA_HOURS": "0",
    "B24_RATE_LIMIT_RPS": "fast",
    "B24_BACKOFF_SECONDS": "-1",
    "RECORDING_HOSTS": "https://pbx.example.ru/",
    "STT_MODEL": "gpt transcribe",
    "STT_FALLBACK_MODEL": "a b",
    "STT_LANGUAGES": "russian",
    "STT_MAX_FILE_MINUTES": "0",
    "STT_BACKOFF_SECONDS": "nan",
    "STT_TIMEOUT_SECONDS": "soon",
    "STT_OPERATOR_CHANNEL": "both",
    "WHISPER_RATE_PER_MIN_USD": "-0.006",
    "STT_FALLBACK_RATE_PER_MIN_USD": "-0.006",
    "TRANSCRIBE_CONCURRENCY": "1000",
    "BUDGET_USD": "$54",
    "USD_RUB_RATE": "0",
    "CALL_SUMMARY_ENABLED": "maybe",
    "SUMMARY_MODEL": "a b",
    "PII_MASKING_ENABLED": "2",
}


def value_of(policy: Policy, name: str) -> object:
    section, field = ENVIRONMENT[name]
    return getattr(getattr(policy, section), field)


def test_the_file_in_the_repository_is_usable_as_it_is() -> None:
    policy = load_policy({})
    assert (policy.period.default_days, policy.period.max_days) == (60, 90)
    assert policy.money.budget_usd == Decimal(54)
    assert policy.stt.rate_per_min_usd is None


def test_every_override_names_a_field_that_exists() -> None:
    tree = yaml.safe_load(POLICY_FILE.read_text(encoding="utf-8"))
    assert [name for name, (section, field) in ENVIRONMENT.items() if field not in tree[section]] == []
    assert len(set(ENVIRONMENT.values())) == len(ENVIRONMENT)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_variable_changes_its_own_field(name: str) -> None:
    before, after = load_policy({}), load_policy({name: USABLE[name]})
    assert value_of(after, name) != value_of(before, name)
    for other in set(ENVIRONMENT) - {name}:
        assert value_of(after, other) == value_of(before, other)


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_bad_value_names_variable_and_kind(name: str) -> None:
    """One line in English for the log, one sentence in Russian for the operator."""
    with pytest.raises(NotConfigured) as caught:
        load_policy({name: UNUSABLE[name]})
    line, said = str(caught.value), sentence(caught.value)
    assert line.startswith(f"{name}: ")
    assert "expected: " in line
    assert said.startswith(f"{name}: значение ")
    assert "нужно: " in said
    assert "\n" not in line + said
    assert caught.value.__cause__ is None


def test_every_field_says_in_both_languages_what_it_accepts() -> None:
    """`prompt` is free text, `review` and the texts of lists have kinds of their own."""
    descriptions = {
        accepted_value(Policy, (name, field))
        for name, section in Policy.model_fields.items()
        if (model := section.annotation) is not None and issubclass(model, Section)
        for field in model.model_fields
    }
    assert descriptions - {None} == (ACCEPTED_VALUES | problems.ACCEPTED_VALUES).keys()


# Read by the check that a row outlives its files, `texts` by close_run too; files will be deleted by a DAG of its own.
PERIODS = {("retention_days", name) for name in RetentionPolicy.model_fields}


def test_every_setting_is_read() -> None:
    product = [path for top in ("include", "plugins", "ops", "jobs", "dags") for path in (ROOT / top).rglob("*.py")]
    read = {
        node.attr
        for path in product
        if path != POLICY_FILE.with_name("policy.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    fields = {
        (section, field)
        for section, model in Policy.model_fields.items()
        for field in model.annotation.model_fields  # type: ignore[union-attr]
    }
    assert {(section, field) for section, field in fields if field not in read} <= PERIODS


def test_only_free_text_has_no_unusable_value() -> None:
    assert set(ENVIRONMENT) - set(UNUSABLE) == {"STT_KEYWORDS", "COMPANY_NAMES"}


def test_empty_and_foreign_variables_change_nothing() -> None:
    assert load_policy({"STT_MODEL": "  ", "PATH": "/bin"}) == load_policy({})


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://calls.example.com/airflow/", "https://calls.example.com/airflow"),
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
        ("http://127.0.0.1:8080", ""),
        ("http://localhost:8080", ""),
        ("http://[::1]:8080", ""),
        ("/airflow", ""),
        ("https://calls.example.com/>)(<b", "https://calls.example.com/%3E%29%28%3Cb"),
    ],
)
def test_an_address_that_only_this_machine_can_open_is_no_address_for_people(address: str, public: str) -> None:
    assert load_policy({PUBLIC_URL: address}).report.public_url == public


@pytest.mark.parametrize("airflow", ["http://127.0.0.1:8080", "https://inside.example.com", ""])
def test_the_address_for_people_is_the_policys_own_where_it_has_one(airflow: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    known = POLICY_FILE.read_text(encoding="utf-8")
    file.write_text(known.replace('public_url: ""', 'public_url: "https://calls.example.com"'), encoding="utf-8")
    assert load_policy({PUBLIC_URL: airflow}, file).report.public_url == "https://calls.example.com"


@pytest.mark.parametrize("address", ["calls.example.com", "ftp://calls.example.com", "https://", "/airflow"])
def test_what_is_no_address_for_people_is_refused(address: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    known = POLICY_FILE.read_text(encoding="utf-8")
    file.write_text(known.replace('public_url: ""', f'public_url: "{address}"'), encoding="utf-8")
    with pytest.raises(NotConfigured, match="public_url"):
        load_policy({}, file)


def test_lists_of_the_environment_are_split_at_commas() -> None:
    policy = load_policy(USABLE)
    assert policy.portal.recording_hosts == ("pbx.example.ru", "10.0.0.5:8443")
    assert policy.stt.keywords == ("Ромашка", "СБП")


def test_money_stays_exact() -> None:
    assert load_policy(USABLE).stt.rate_per_min_usd == Decimal("0.0061")


def changed(tmp_path: Path, before: str, after: str) -> Path:
    file = tmp_path / "policy.yaml"
    text = POLICY_FILE.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    return file


def test_a_mistake_in_the_file_names_file_and_field(tmp_path: Path) -> None:
    with pytest.raises(
        NotConfigured, match=r"^policy\.yaml, thresholds\.min_coverage: .*a share from 0 to 1"
    ) as caught:
        load_policy({}, changed(tmp_path, "min_coverage: 0.99", "min_coverage: 99"))
    assert sentence(caught.value) == (
        "policy.yaml, thresholds.min_coverage: значение 99 не подходит, нужно: доля от 0 до 1"
    )


def test_a_field_that_the_code_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"policy\.yaml, thresholds\.min_covreage"):
        load_policy({}, changed(tmp_path, "min_coverage:", "min_covreage: 1\n  min_coverage:"))


def test_the_row_of_a_recording_outlives_its_files(tmp_path: Path) -> None:
    """Files are found by their row: without it they could neither be deleted nor erased."""
    with pytest.raises(NotConfigured, match=r"^policy\.yaml, retention_days\.rows: 399 "):
        load_policy({}, changed(tmp_path, "rows: 1095", "rows: 399"))
    assert load_policy({}, changed(tmp_path, "rows: 1095", "rows: 400")).retention_days.rows == 400


@pytest.mark.parametrize("field", ["audio: 90", "recognition: 180"])
def test_no_word_outlives_its_text(tmp_path: Path, field: str) -> None:
    name = field.partition(":")[0]
    with pytest.raises(NotConfigured, match=r"^policy\.yaml, retention_days\.texts: 180 "):
        load_policy({}, changed(tmp_path, f"  {field} ", f"  {name}: 181 "))
    assert load_policy({}, changed(tmp_path, f"  {field} ", f"  {name}: 180 ")).retention_days.texts == 180


@pytest.mark.parametrize("zone", ["portal", "Europe/Moscow", "UTC"])
def test_the_report_takes_the_portals_zone_or_a_name(tmp_path: Path, zone: str) -> None:
    assert load_policy({}, changed(tmp_path, "time_zone: portal", f"time_zone: {zone}")).report.time_zone == zone


@pytest.mark.parametrize("zone", ["Moscow", "+03:00", "../etc/passwd", '""'])
def test_an_unknown_zone_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(NotConfigured, match=r"^policy\.yaml, report\.time_zone: .* such as Europe/Moscow$"):
        load_policy({}, changed(tmp_path, "time_zone: portal", f"time_zone: {zone}"))


def test_the_policy_cannot_be_changed_after_the_check() -> None:
    with pytest.raises(ValidationError):
        load_policy({}).stt.model = "other"


def test_the_flags_have_the_thresholds_of_the_file() -> None:
    """`include/speech` sets no thresholds of its own."""
    thresholds = yaml.safe_load(POLICY_FILE.read_text(encoding="utf-8"))["review"]
    policy = load_policy({})
    assert asdict(review_of(policy.stt, policy.review).policy) == thresholds
    with pytest.raises(TypeError):
        ReviewPolicy()  # type: ignore[call-arg]
