"""Each hook says what Airflow asks of a hook, and its connection test calls the service for real."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseHook
from psycopg.conninfo import conninfo_to_dict

from include.calls import names as calls
from include.common import names as common
from include.common.errors import NotConfigured
from plugins.airflow_kit.run_note import AirflowApiHook
from plugins.hooks.bitrix24 import Bitrix24Hook
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.language_model import LanguageModelHook
from plugins.hooks.recogniser import RecogniserHook
from plugins.hooks.storage import StorageHook
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.seeded import seeded_world, spoken
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from tests.airflow.system import WORLD
from tests.unit.speech.audio.synth import voice, wav

HOOKS = (Bitrix24Hook, RecogniserHook, LanguageModelHook, CallsStateHook, StorageHook, AirflowApiHook)


def connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, **conn: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(conn))


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    where: dict[str, Any] = dict(conninfo_to_dict(database))
    conn = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    connection(monkeypatch, calls.STATE_CONN, **conn)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch, state: None) -> Iterator[PortalSimulator]:
    simulator = PortalSimulator(seeded_world(7, *WORLD, 7, spoken()))
    with running(simulator) as url:
        conn = {"conn_type": "bitrix24", "host": url, "login": simulator.user, "password": simulator.token}
        connection(monkeypatch, common.PORTAL_CONN, **conn)
        connection(monkeypatch, calls.POLICY_CONN, conn_type="generic", extra={"B24_RATE_LIMIT_RPS": "100"})
        yield simulator


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecogniserSimulator]:
    simulator = RecogniserSimulator()
    with running(simulator) as url:
        conn = {"conn_type": "recogniser", "host": f"{url}/v1", "password": simulator.key}
        connection(monkeypatch, common.RECOGNISER_CONN, **conn)
        yield simulator


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_is_made_by_the_attribute_that_it_names(hook: Any) -> None:
    """Airflow makes a connection's hook with `hook_class(**{conn_name_attr: conn_id})`."""
    assert issubclass(hook, BaseHook)
    assert hook.conn_type
    assert hook.hook_name
    assert getattr(hook(), hook.conn_name_attr) == hook.default_conn_name
    assert getattr(hook(**{hook.conn_name_attr: "another"}), hook.conn_name_attr) == "another"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_missing_connection_fails_the_test_with_a_sentence(hook: Any) -> None:
    works, says = hook(**{hook.conn_name_attr: "nowhere"}).test_connection()
    assert not works
    assert says


class TestPortal:
    pytestmark = pytest.mark.postgres

    def test_a_webhook_with_all_rights(self, portal: PortalSimulator) -> None:
        assert Bitrix24Hook().test_connection() == (True, "Вебхук видит всё, что нужно выгрузке")
        assert portal.journal.count("scope") == 1

    def test_a_webhook_without_a_right(self, portal: PortalSimulator) -> None:
        portal.rights.scopes -= {"disk"}
        works, says = Bitrix24Hook().test_connection()
        assert not works
        assert says

    def test_a_wrong_token(self, portal: PortalSimulator) -> None:
        portal.token = "another"
        assert Bitrix24Hook().test_connection()[0] is False

    def test_no_request_without_a_permit(self, portal: PortalSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
        """A test in the UI is paced together with the runs."""
        connection(monkeypatch, calls.STATE_CONN, conn_type="postgres", host="127.0.0.1", port=1)
        assert Bitrix24Hook().test_connection()[0] is False
        assert portal.journal.count("scope") == 0


@pytest.mark.parametrize("hook", [RecogniserHook, LanguageModelHook])
class TestServices:
    @pytest.mark.usefixtures("recogniser")
    def test_a_service_that_knows_the_key(self, hook: Any) -> None:
        works, says = hook().test_connection()
        assert works
        assert says.startswith("Сервис отвечает, моделей: ")

    def test_a_refused_key(self, recogniser: RecogniserSimulator, hook: Any) -> None:
        recogniser.key = "sk-another"
        assert hook().test_connection() == (False, "сервис не принимает ключ: проверьте его")

    def test_nothing_is_sent_beside_a_required_proxy(
        self, recogniser: RecogniserSimulator, hook: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        extra = {"never_direct": True}
        connection(monkeypatch, common.RECOGNISER_CONN, conn_type="recogniser", password="sk-key", extra=extra)
        works, says = hook().test_connection()
        assert not works
        assert "REQUIRE_PROXY" in says
        assert recogniser.journal.entries() == []


class TestFallback:
    KEY = "sk-of-the-fallback"

    def hook(self) -> RecogniserHook:
        return RecogniserHook(model="gpt-transcribe", fallback_model="whisper-1")

    def elsewhere(self, monkeypatch: pytest.MonkeyPatch, **conn: Any) -> None:
        connection(monkeypatch, common.FALLBACK_RECOGNISER_CONN, conn_type="recogniser", password=self.KEY, **conn)

    def heard(self, hook: RecogniserHook, file: Path) -> str:
        fallback = hook.fallback()
        assert fallback is not None
        with fallback:
            return fallback.recognise(file, filename=file.name, content_type="audio/wav", seconds=1).text

    def test_it_is_the_recognisers_service_unless_it_has_its_own(
        self, recogniser: RecogniserSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        sound = wav(tmp_path / "a.wav", voice(1.0))
        self.heard(self.hook(), sound)
        other = RecogniserSimulator(key=self.KEY)
        with running(other) as url:
            self.elsewhere(monkeypatch, host=f"{url}/v1")
            self.heard(self.hook(), sound)
        assert (recogniser.journal.count("transcriptions"), other.journal.count("transcriptions")) == (1, 1)

    @pytest.mark.usefixtures("recogniser")
    @pytest.mark.parametrize("extra", [{"proxy_url": "gopher://u:hunter2@proxy:1"}, {"never_direct": True}])
    def test_a_service_that_cannot_be_asked_stops_a_run_at_its_beginning(
        self, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
    ) -> None:
        self.elsewhere(monkeypatch, host="http://127.0.0.1:1/v1", extra=extra)
        with pytest.raises(NotConfigured) as caught:
            self.hook().check()
        assert self.KEY not in str(caught.value)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.usefixtures("recogniser")
    def test_another_engine_has_no_part_in_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection of an engine of the smoke policy keeps its fallback model."""
        self.elsewhere(monkeypatch, host="http://127.0.0.1:1/v1", extra={"never_direct": True})
        connection(monkeypatch, "engine_b", conn_type="recogniser", host="http://127.0.0.1:1/v1")
        RecogniserHook("engine_b", model="gpt-transcribe", fallback_model="whisper-1").check()


class TestLanguageModel:
    @pytest.mark.usefixtures("recogniser")
    def test_its_own_connection_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with running(RecogniserSimulator(key="sk-texts")) as url:
            conn = {"conn_type": "language_model", "host": f"{url}/v1", "password": "sk-texts"}
            connection(monkeypatch, common.LANGUAGE_MODEL_CONN, **conn)
            assert LanguageModelHook().access()["base_url"] == f"{url}/v1"
            assert LanguageModelHook().test_connection()[0] is True

    @pytest.mark.usefixtures("recogniser")
    def test_without_one_the_recognisers_serves(self) -> None:
        assert LanguageModelHook().access() == RecogniserHook().access()

    def test_without_both_it_is_not_configured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(f"AIRFLOW_CONN_{common.RECOGNISER_CONN.upper()}", raising=False)
        with pytest.raises(NotConfigured, match="set OPENAI_API_KEY"):
            LanguageModelHook(model="gpt").get_conn()


class TestState:
    pytestmark = pytest.mark.postgres

    @pytest.mark.usefixtures("state")
    def test_a_database_with_the_schema(self) -> None:
        assert CallsStateHook().test_connection() == (True, "База отвечает, схема та, что нужна")

    @pytest.mark.usefixtures("state")
    def test_a_database_with_another_schema(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("include.calls.state.migrate.current", lambda _: None)
        works, says = CallsStateHook().test_connection()
        assert not works
        assert "обновит make up" in says


class TestStorage:
    def test_a_folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        connection(monkeypatch, calls.STORAGE_CONN, conn_type="fs", extra={"path": str(tmp_path)})
        assert StorageHook().test_connection() == (True, "Файл записан, прочитан и удалён")

    @pytest.mark.parametrize(("conn_type", "setting"), [("aws", "S3_BUCKET"), ("fs", "LOCAL_STORAGE_DIR")])
    def test_neither_bucket_nor_folder(self, monkeypatch: pytest.MonkeyPatch, conn_type: str, setting: str) -> None:
        connection(monkeypatch, calls.STORAGE_CONN, conn_type=conn_type)
        works, says = StorageHook().test_connection()
        assert not works
        assert setting in says
