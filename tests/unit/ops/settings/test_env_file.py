"""`.env` and the environment: accepted values, and one sentence for each other value."""

import os
from pathlib import Path

import pytest

from include.calls.policy import ENVIRONMENT
from include.common.errors import NotConfigured
from ops.__main__ import sentence
from ops.settings.airflow_environment import process_environment
from ops.settings.databases import Databases
from ops.settings.env_file import FROM_FILES, VARIABLES, Settings, load_settings, warnings
from ops.settings.generated_secrets import Generated
from ops.settings.profile import Runtime

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
    file.chmod(0o600)
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


class TestSecretsInFiles:
    def test_a_file_holds_the_secret(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("of-the-file\n", encoding="utf-8")
        (tmp_path / "database").write_text("postgresql://u:p@db/calls\n", encoding="utf-8")
        monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "database"))
        settings = settings_of(tmp_path, B24_WEBHOOK_TOKEN="", B24_WEBHOOK_TOKEN_FILE=str(tmp_path / "token"))
        assert settings.b24_webhook_token.get_secret_value() == "of-the-file"
        assert settings.database_url is not None
        assert settings.database_url.get_secret_value() == "postgresql://u:p@db/calls"

    def test_every_secret_may_be_in_a_file(self) -> None:
        assert set(FROM_FILES.values()) == {
            "b24_webhook_token",
            "openai_api_key",
            "anthropic_api_key",
            "deepseek_api_key",
            "gemini_api_key",
            "local_llm_api_key",
            "qtickets_token",
            "vk_client_secret",
            "vk_token",
            "direct_token",
            "gmail_refresh_token",
            "ch_password",
            "ch_admin_password",
            "stt_fallback_api_key",
            "stt_fallback_proxy_url",
            "chatgpt_proxy_url",
            "s3_secret_access_key",
            "database_url",
            "slack_webhook_url",
            "smtp_url",
            "alerts_to",
            "metrics_token",
            "search_token",
            "backup_key",
            "backup_s3_secret_access_key",
            "installation_secret",
            "broker_url",
        }

    def test_both_places_or_no_file_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("hunter2", encoding="utf-8")
        (tmp_path / "bad").write_text("hunter2", encoding="utf-8")
        assert "оставьте одно" in refusal(tmp_path, B24_WEBHOOK_TOKEN_FILE=str(tmp_path / "token"))
        missing = {"OPENAI_API_KEY": "", "OPENAI_API_KEY_FILE": str(tmp_path / "none")}
        assert "не читается (FileNotFoundError)" in refusal(tmp_path, **missing)
        assert refusal(tmp_path, DATABASE_URL_FILE=str(tmp_path / "bad")).startswith("DATABASE_URL: ")

    def test_no_process_inherits_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        inherited = {"B24_WEBHOOK_TOKEN_FILE": "/run/secrets/token", "S3_ENCRYPTION_KEY": "k", "POSTGRES_PASSWORD": "p"}
        settings = settings_of(tmp_path)
        for name, value in inherited.items():
            monkeypatch.setenv(name, value)
        keys = Generated("jwt", "api", "fernet", "admin", "pg", "metrics", "erasure", "security", "roles", "tasks")
        made = process_environment(settings, Runtime(root=tmp_path), keys, Databases("dbname=a", "dbname=b"))
        assert not inherited.keys() & made.keys()


def test_a_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    settings, file = settings_of(tmp_path), tmp_path / ".env"
    for mode, warned in ((0o600, False), (0o640, True), (0o604, True)):
        file.chmod(mode)
        assert any("chmod 600 .env" in text for text in warnings(settings, file)) is warned


class TestPackagesThatAreExtras:
    """An installation without them is refused by one sentence, before anything is started."""

    @pytest.mark.parametrize(
        ("missing", "values", "refused"),
        [
            ("clickhouse_connect", {"QTICKETS_TOKEN": "t"}, True),
            ("chdb", {"QTICKETS_TOKEN": "t"}, True),
            ("chdb", {"QTICKETS_TOKEN": "t", "CH_HOST": "ch.example"}, False),  # a server: no engine of one's own
            ("clickhouse_connect", {}, False),
        ],
    )
    def test_sales(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, values: dict[str, str], refused: bool
    ) -> None:
        monkeypatch.setattr("ops.settings.env_file.find_spec", lambda name: None if name == missing else object())
        if refused:
            assert "`make install-sales`" in refusal(tmp_path, **values)
        else:
            settings_of(tmp_path, **values)
