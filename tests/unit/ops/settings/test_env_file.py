"""`.env` and the environment: accepted values, and one sentence for each other value."""

import os
from pathlib import Path

import pytest

from include.calls.policy import ENVIRONMENT
from include.common.errors import NotConfigured
from ops.__main__ import sentence
from ops.settings.env_file import VARIABLES, Settings, load_settings, warnings

TOKEN = "s3cr3ttoken"
MINIMAL = {
    "B24_BASE_URL": "https://company.bitrix24.ru",
    "B24_WEBHOOK_USER_ID": "1",
    "B24_WEBHOOK_TOKEN": TOKEN,
    "OPENAI_API_KEY": "sk-test",
}
SECRET = "https://user:hunter2@[broken"
UNUSABLE = {
    "B24_BASE_URL": "company.bitrix24.ru",
    "B24_WEBHOOK_USER_ID": "root",
    "OPENAI_BASE_URL": "localhost:9000",
    "CHATGPT_PROXY_URL": SECRET,
    "REQUIRE_PROXY": "maybe",
    "STT_FALLBACK_BASE_URL": "localhost:9000",
    "STT_FALLBACK_PROXY_URL": SECRET,
    "STT_FALLBACK_RATE_PER_MIN_USD": "little",
    "STORAGE_BACKEND": "ftp",
    "S3_ENDPOINT_URL": "minio",
    "S3_BUCKET": "Bad_Bucket",
    "DATABASE_URL": "mysql://root:hunter2@db/calls",
    "SLACK_WEBHOOK_URL": "hunter2",
    "LOG_LEVEL": "LOUD",
    "LOG_FORMAT": "xml",
    "AIRFLOW_PORT": "80808",
    "STT_LANGUAGES": "russian",
    "BUDGET_USD": "many",
}


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) & VARIABLES:
        monkeypatch.delenv(name)


def settings_of(tmp_path: Path, **values: str) -> Settings:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in (MINIMAL | values).items()), encoding="utf-8")
    return load_settings(file)


def refusal(tmp_path: Path, **values: str) -> str:
    with pytest.raises(NotConfigured) as caught:
        settings_of(tmp_path, **values)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None, "the foreign error contains the value"
    assert "hunter2" not in str(error)
    assert TOKEN not in str(error)
    assert "\n" not in sentence(error)
    return sentence(error)


@pytest.mark.parametrize("ending", ["", "/", "/rest", "/rest/"])
def test_the_portals_address_comes_with_or_without_rest(tmp_path: Path, ending: str) -> None:
    settings = settings_of(tmp_path, B24_BASE_URL=f"https://company.bitrix24.ru{ending}")
    assert settings.b24_base_url == "https://company.bitrix24.ru"


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_bad_value_names_the_variable_and_what_it_accepts(tmp_path: Path, name: str) -> None:
    sentence = refusal(tmp_path, **{name: UNUSABLE[name]})
    assert sentence.startswith(f"{name}: ")
    assert "нужно: " in sentence
    assert "hunter2" not in sentence


@pytest.mark.parametrize("name", ["B24_BASE_URL", "B24_WEBHOOK_USER_ID", "B24_WEBHOOK_TOKEN"])
def test_without_a_portal_nothing_starts(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, **{name: ""}).startswith(f"{name}: не задано; нужно: ")


def test_a_whole_webhook_url_is_refused(tmp_path: Path) -> None:
    """The sentence does not repeat the token."""
    sentence = refusal(tmp_path, B24_BASE_URL=f"https://company.bitrix24.ru/rest/1/{TOKEN}/")
    assert "B24_WEBHOOK_TOKEN" in sentence
    assert TOKEN not in sentence


def test_a_required_proxy_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    assert refusal(tmp_path, REQUIRE_PROXY="true").startswith("CHATGPT_PROXY_URL: ")
    assert settings_of(tmp_path, REQUIRE_PROXY="true", CHATGPT_PROXY_URL="http://u:p@proxy:3128").require_proxy


ELSEWHERE = {"STT_FALLBACK_BASE_URL": "https://stt.example/v1", "STT_FALLBACK_MODEL": "whisper-1"}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"STT_FALLBACK_API_KEY": "hunter2"}, "STT_FALLBACK_BASE_URL"),
        ({"STT_FALLBACK_PROXY_URL": "http://u:hunter2@proxy:3128"}, "STT_FALLBACK_BASE_URL"),
        ({**ELSEWHERE, "STT_FALLBACK_MODEL": ""}, "STT_FALLBACK_MODEL"),
        ({**ELSEWHERE, "STT_MODEL": "whisper-1"}, "STT_FALLBACK_MODEL"),
        (
            {
                **ELSEWHERE,
                "REQUIRE_PROXY": "true",
                "CHATGPT_PROXY_URL": "http://p:3128",
                "STT_FALLBACK_PROXY_URL": "direct",
            },
            "STT_FALLBACK_PROXY_URL",
        ),
    ],
)
def test_a_fallback_elsewhere_is_named_whole_or_not_at_all(tmp_path: Path, values: dict[str, str], names: str) -> None:
    assert refusal(tmp_path, **values).startswith(f"{names}: ")
    assert settings_of(tmp_path, **ELSEWHERE).stt_fallback_base_url == "https://stt.example/v1"


def test_s3_needs_a_bucket_and_both_keys_or_none(tmp_path: Path) -> None:
    assert refusal(tmp_path, STORAGE_BACKEND="s3").startswith("S3_BUCKET: ")
    assert "S3_SECRET_ACCESS_KEY" in refusal(tmp_path, S3_ACCESS_KEY_ID="id")
    assert settings_of(tmp_path, STORAGE_BACKEND="s3", S3_BUCKET="calls").s3_region == "us-east-1"


def test_secrets_do_not_show_in_the_settings_own_text(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, DATABASE_URL="postgresql://u:hunter2@db/calls", CHATGPT_PROXY_URL="http://u:hunter2@proxy:3128"
    )
    assert TOKEN not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_the_environment_is_stronger_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_PORT", "8099")
    assert settings_of(tmp_path, AIRFLOW_PORT="8081").airflow_port == 8099


def test_without_a_recogniser_the_start_only_warns(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OPENAI_API_KEY="")
    assert not settings.recogniser_configured
    assert any(text.startswith("OPENAI_API_KEY ") for text in warnings(settings, tmp_path / ".env"))


def test_a_self_hosted_recogniser_needs_no_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OPENAI_API_KEY="", OPENAI_BASE_URL="http://127.0.0.1:9000/v1")
    assert settings.recogniser_configured
    assert warnings(settings, tmp_path / ".env") == []


def test_a_misspelled_variable_is_noticed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, B24_TOKEN="x")
    assert [text.split()[0] for text in warnings(settings, tmp_path / ".env")] == ["B24_TOKEN"]


def test_reviewed_values_reach_the_policy(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, TRANSCRIBE_CONCURRENCY="13")
    assert settings.policy_overrides == {"TRANSCRIBE_CONCURRENCY": "13"}
    assert settings.policy.batches.slots == 13


def test_every_override_of_the_policy_is_a_setting() -> None:
    assert set(ENVIRONMENT) <= VARIABLES
