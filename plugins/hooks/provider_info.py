"""What the distribution of this package tells Airflow about its connection types (entry point apache_airflow_provider).

Airflow 3.3.2 reads connection types from installed distributions only, never from the plugins folder; without one the
types work everywhere but in the connection form of the UI. Since 3.2 forms are declared here: a hook's own
`get_connection_form_widgets` and `get_ui_field_behaviour` are deprecated.
"""

from typing import Any

from include.common.wording import connections as texts
from plugins.hooks.bitrix24 import Bitrix24Hook
from plugins.hooks.language_model import LanguageModelHook
from plugins.hooks.recogniser import RecogniserHook

PROXY_FIELDS: dict[str, Any] = {
    "proxy_url": {
        "label": texts.PROXY,
        "description": texts.PROXY_HELP,
        "schema": {"type": ["string", "null"], "format": "password"},  # its address may hold a password
    },
    "require_proxy": {
        "label": texts.REQUIRE_PROXY,
        "description": texts.REQUIRE_PROXY_HELP,
        "schema": {"type": ["boolean", "null"], "default": False},
    },
}


def get_provider_info() -> dict[str, Any]:
    """By Airflow's `provider_info.schema.json`. Hooks of Airflow's own types (postgres, fs, http) need no entry."""
    return {
        "package-name": "call-export",
        "name": "Call export",
        "description": "Bitrix24, recognisers of speech and language models.",
        "connection-types": [_bitrix24(), _service(RecogniserHook), _service(LanguageModelHook)],
    }


def _bitrix24() -> dict[str, Any]:
    return {
        "connection-type": Bitrix24Hook.conn_type,
        "hook-class-name": f"{Bitrix24Hook.__module__}.{Bitrix24Hook.__qualname__}",
        "hook-name": Bitrix24Hook.hook_name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "extra"],
            "relabeling": {
                "host": texts.PORTAL_ADDRESS,
                "login": texts.WEBHOOK_USER,
                "password": texts.WEBHOOK_TOKEN,
            },
            "placeholders": {"host": "https://company.bitrix24.ru", "login": "1"},
        },
    }


def _service(hook: type[RecogniserHook | LanguageModelHook]) -> dict[str, Any]:
    return {
        "connection-type": hook.conn_type,
        "hook-class-name": f"{hook.__module__}.{hook.__qualname__}",
        "hook-name": hook.hook_name,
        "ui-field-behaviour": {
            "hidden-fields": ["login", "schema", "port", "extra"],
            "relabeling": {"host": texts.SERVICE_ADDRESS, "password": texts.SERVICE_KEY},
            "placeholders": {"host": "https://api.openai.com/v1"},
        },
        "conn-fields": PROXY_FIELDS,
    }
