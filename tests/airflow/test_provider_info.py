"""Airflow's own discovery finds the connection types of a distribution that registers them, and no others."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow._shared.module_loading import import_string
from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

from ops.settings.profile import REPOSITORY
from plugins.distribution.provider_info import get_provider_info

ASK = """
import json
from airflow.providers_manager import ProvidersManager

manager = ProvidersManager()
hooks = {}
for conn_type in (
    "bitrix24", "recogniser", "language_model", "call_export_state", "call_export_storage",
    "qtickets", "vk_ads", "yandex_direct", "gmail_reserve",
):
    hook = manager.hooks.get(conn_type)
    if hook is not None:
        hooks[conn_type] = [hook.hook_class_name, hook.connection_id_attribute_name, hook.connection_testable]
forms = {name: form.field["schema"] for name, form in manager.connection_form_widgets.items()}
from airflow.models import Connection

unreachable = Connection(conn_id="tried", conn_type="recogniser", host="http://127.0.0.1:1/v1", password="sk-key")
import os
os.environ["AIRFLOW_CONN_TRIED"] = unreachable.get_uri()
print(json.dumps({
    "hooks": hooks,
    "forms": forms,
    "labels": manager.field_behaviours.get("bitrix24", {}).get("relabeling"),
    "tested": unreachable.test_connection(),
}))
"""


def asked(home: Path, *folders: Path) -> dict[str, Any]:
    """What Airflow's ProvidersManager knows in a process with these folders on its path; warnings are errors."""
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, [REPOSITORY, *folders])),
    }
    command = [sys.executable, "-W", "error:Hook:Warning", "-c", ASK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """The metadata that an installed distribution leaves: its name and the entry point."""
    info = tmp_path / "site" / "call_export-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: call-export\nVersion: 1.0.0\n")
    entry = "[apache_airflow_provider]\nprovider_info = plugins.distribution.provider_info:get_provider_info\n"
    (info / "entry_points.txt").write_text(entry)
    return info.parent


def test_the_plugins_folder_alone_registers_no_type(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert found["hooks"] == {}
    assert found["tested"] == [False, 'Unknown hook type "recogniser"']


def test_a_distribution_registers_types_forms_and_tests(tmp_path: Path, distribution: Path) -> None:
    found = asked(tmp_path, distribution)
    assert found["hooks"] == {
        "bitrix24": ["plugins.hooks.bitrix24.Bitrix24Hook", "bitrix24_conn_id", True],
        "recogniser": ["plugins.hooks.recogniser.RecogniserHook", "recogniser_conn_id", True],
        "language_model": ["plugins.hooks.language_model.LanguageModelHook", "language_model_conn_id", True],
        "call_export_state": ["plugins.hooks.calls_state.CallsStateHook", "calls_state_conn_id", True],
        "call_export_storage": ["plugins.hooks.storage.StorageHook", "storage_conn_id", True],
        "qtickets": ["plugins.hooks.sales_source_hooks.QticketsHook", "source_conn_id", True],
        "vk_ads": ["plugins.hooks.sales_source_hooks.VkAdsHook", "source_conn_id", True],
        "yandex_direct": ["plugins.hooks.sales_source_hooks.YandexDirectHook", "source_conn_id", True],
        "gmail_reserve": ["plugins.hooks.sales_source_hooks.GmailReserveHook", "source_conn_id", True],
    }
    assert found["labels"]["password"] == "Токен вебхука"
    assert {"extra__recogniser__proxy_url", "extra__language_model__never_direct"} <= found["forms"].keys()
    works, says = found["tested"]
    assert not works
    assert "Unknown hook type" not in says


def test_types_and_names_are_those_of_the_hooks() -> None:
    """They are named, not imported: Airflow asks while it reads its configuration."""
    for declared in get_provider_info()["connection-types"]:
        hook = import_string(declared["hook-class-name"])
        assert (hook.conn_type, hook.hook_name) == (declared["connection-type"], declared["hook-name"])


def test_asking_imports_nothing_of_airflow(tmp_path: Path) -> None:
    ask = "import sys, plugins.distribution.provider_info; print([name for name in sys.modules if name == 'airflow'])"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_value_of_the_form_has_a_name_that_airflow_masks_by_mistake() -> None:
    """A masked value comes back as "***" when the form is saved again; a switch would be on for ever."""
    for declared in get_provider_info()["connection-types"]:
        for name, field in declared["conn-fields"].items():
            assert should_hide_value_for_key(name) is (field["schema"].get("format") == "password"), name


def test_the_form_hides_a_password_in_a_proxys_address() -> None:
    for conn_type in get_provider_info()["connection-types"][1:3]:
        assert conn_type["conn-fields"]["proxy_url"]["schema"]["format"] == "password"
