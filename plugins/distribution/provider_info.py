"""What the distribution of this package tells Airflow about itself (entry point apache_airflow_provider).

Airflow 3.3.2 reads connection types from installed distributions only, never from the plugins folder; without one the
types work everywhere but in the connection form of the UI. Since 3.2 forms are declared here: a hook's own
`get_connection_form_widgets` and `get_ui_field_behaviour` are deprecated.

Airflow asks while it reads its configuration, in every process: this module imports nothing of Airflow, so hooks are
named and not imported (`tests/airflow/test_provider_info.py` compares).
"""

from typing import Any

from include.common.wording import connections as texts

# Airflow 3.3.2 refuses to test a connection that has no port: its UI sends 0 for it (apache/airflow#73298).
_UNUSED_PORT = {"port": texts.UNUSED_PORT}
_PLUGINS = __name__.removesuffix(".distribution.provider_info")  # `plugins`, wherever it is installed


def get_provider_info() -> dict[str, Any]:
    """By Airflow's `provider_info.schema.json`. The hook of Airflow's own type `http` needs no entry."""
    return {
        "package-name": "call-export",
        "name": "Call export",
        "description": "The text of every phone call of a Bitrix24 portal; ticket sales and ads in ClickHouse.",
        "connection-types": [
            _bitrix24(),
            _service("recogniser", "recogniser.RecogniserHook", texts.RECOGNISER),
            _service("language_model", "language_model.LanguageModelHook", texts.LANGUAGE_MODEL),
            _state(),
            _storage(),
            *_sales_sources(),
        ],
        "cli": [f"{_PLUGINS}.distribution.command_line.commands"],
    }


def _bitrix24() -> dict[str, Any]:
    return _type(
        "bitrix24",
        "bitrix24.Bitrix24Hook",
        texts.BITRIX24,
        hidden=("schema", "extra"),
        labels={"host": texts.PORTAL_ADDRESS, "login": texts.WEBHOOK_USER, "password": texts.WEBHOOK_TOKEN}
        | _UNUSED_PORT,
        placeholders={"host": "https://company.bitrix24.ru", "login": "1", "port": "0"},
    )


def _service(conn_type: str, hook: str, name: str) -> dict[str, Any]:
    proxy = _secret(texts.PROXY, texts.PROXY_HELP)  # its address may hold a password
    return _type(
        conn_type,
        hook,
        name,
        hidden=("login", "schema", "extra"),
        labels={"host": texts.SERVICE_ADDRESS, "password": texts.SERVICE_KEY} | _UNUSED_PORT,
        placeholders={"host": "https://api.openai.com/v1", "port": "0"},
        fields={
            "proxy_url": proxy,
            "never_direct": {
                "label": texts.REQUIRE_PROXY,
                "description": texts.REQUIRE_PROXY_HELP,
                "schema": {"type": ["boolean", "null"], "default": False},
            },
        },
    )


def _state() -> dict[str, Any]:
    return _type(
        "call_export_state",
        "calls_state.CallsStateHook",
        texts.CALLS_STATE,
        hidden=("extra",),
        labels={
            "host": texts.HOST,
            "port": texts.PORT,
            "schema": texts.DATABASE,
            "login": texts.USER,
            "password": texts.PASSWORD,
        },
        placeholders={"host": "db.company.ru", "port": "5432", "schema": "call_export", "login": "call_export"},
        fields={"sslmode": _text(texts.SSLMODE, texts.SSLMODE_HELP)},
    )


def _storage() -> dict[str, Any]:
    return _type(
        "call_export_storage",
        "storage.StorageHook",
        texts.STORAGE,
        hidden=("host", "schema", "extra"),
        labels={"login": texts.ACCESS_KEY, "password": texts.SECRET_KEY} | _UNUSED_PORT,
        placeholders={"port": "0"},
        fields={
            "path": _text(texts.FOLDER, texts.FOLDER_HELP),
            "bucket": _text(texts.BUCKET, texts.BUCKET_HELP),
            "prefix": _text(texts.KEY_PREFIX, texts.KEY_PREFIX_HELP),
            "endpoint_url": _text(texts.ENDPOINT, texts.ENDPOINT_HELP),
            "region_name": _text(texts.REGION),
            "encryption": _text(texts.ENCRYPTION, texts.ENCRYPTION_HELP),
            "kms_key_id": _text(texts.KMS_KEY, texts.KMS_KEY_HELP),
        },
    )


def _sales_sources() -> list[dict[str, Any]]:
    proxy = _secret(texts.PROXY, texts.PROXY_HELP)
    no_login = ("login", "schema", "extra")
    return [
        _type(
            "qtickets",
            "sales_source_hooks.QticketsHook",
            texts.QTICKETS,
            hidden=no_login,
            labels={"host": texts.API_ADDRESS, "password": texts.API_TOKEN} | _UNUSED_PORT,
            placeholders={"host": "https://qtickets.ru/api/rest/v1", "port": "0"},
            fields={"proxy_url": proxy},
        ),
        _type(
            "vk_ads",
            "sales_source_hooks.VkAdsHook",
            texts.VK_ADS,
            hidden=("schema", "extra"),
            labels={"host": texts.API_ADDRESS, "login": texts.CLIENT_ID, "password": texts.CLIENT_SECRET}
            | _UNUSED_PORT,
            placeholders={"host": "https://ads.vk.com", "port": "0"},
            fields={
                "api": _text(texts.VK_API, texts.VK_API_HELP),
                "accounts": _text(texts.ACCOUNTS, texts.ACCOUNTS_HELP),
                "access_token": _secret(texts.READY_TOKEN, texts.READY_TOKEN_HELP),
                "proxy_url": proxy,
            },
        ),
        _type(
            "yandex_direct",
            "sales_source_hooks.YandexDirectHook",
            texts.YANDEX_DIRECT,
            hidden=no_login,
            labels={"host": texts.API_ADDRESS, "password": texts.API_TOKEN} | _UNUSED_PORT,
            placeholders={"host": "https://api.direct.yandex.com/json/v501", "port": "0"},
            fields={"logins": _text(texts.LOGINS, texts.LOGINS_HELP), "proxy_url": proxy},
        ),
        _type(
            "gmail_reserve",
            "sales_source_hooks.GmailReserveHook",
            texts.GMAIL_RESERVE,
            hidden=no_login,
            labels={"host": texts.API_ADDRESS, "password": texts.REFRESH_TOKEN} | _UNUSED_PORT,
            placeholders={"host": "https://gmail.googleapis.com", "port": "0"},
            fields={
                "credentials_path": _text(texts.CLIENT_FILE, texts.CLIENT_FILE_HELP),
                "key_file": _text(texts.SERVICE_ACCOUNT, texts.SERVICE_ACCOUNT_HELP),
                "subject": _text(texts.MAILBOX),
                "proxy_url": proxy,
            },
        ),
    ]


def _type(
    conn_type: str,
    hook: str,
    name: str,
    *,
    hidden: tuple[str, ...],
    labels: dict[str, str],
    placeholders: dict[str, str],
    fields: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`hook` is a class in `plugins/hooks`; `fields` are kept in the connection's extra."""
    return {
        "connection-type": conn_type,
        "hook-class-name": f"{_PLUGINS}.hooks.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {"hidden-fields": [*hidden], "relabeling": labels, "placeholders": placeholders},
        "conn-fields": fields or {},
    }


def _text(label: str, description: str = "") -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"]}}


def _secret(label: str, description: str) -> dict[str, Any]:
    found = _text(label, description)
    found["schema"]["format"] = "password"
    return found
