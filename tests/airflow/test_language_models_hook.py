"""Summaries go through one door: switched off it sends what it always sent, switched on other providers can answer."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from include.calls import names as calls
from include.calls.domain.summaries import answer_schema
from include.clients.openai.chat_completion import LanguageModel, ModelResponse
from include.common import names as common
from include.common.errors import Permanent
from plugins.hooks.language_model import summary_model
from plugins.hooks.language_models import access_of
from simulators.anthropic.app import KEY, MessagesSimulator
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator

pytestmark = pytest.mark.postgres

RUN = UUID(int=7)
ASKED: dict[str, Any] = {
    "instructions": "Опиши звонок.",
    "data": "[00:00:01] [Клиент]: Здравствуйте.",
    "schema_name": "summary_v1",
    "schema": answer_schema(["заказ"]),
}
OWN_OF_THE_LIBRARY = {"stream"}  # false, as if it were not there


def connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, **conn: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(conn))


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch, database: str) -> Iterator[RecogniserSimulator]:
    where: dict[str, Any] = dict(conninfo_to_dict(database))
    conn = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    connection(monkeypatch, calls.STATE_CONN, **conn)
    simulator = RecogniserSimulator()
    with running(simulator) as url:
        conn = {"conn_type": "recogniser", "host": f"{url}/v1", "password": simulator.key}
        connection(monkeypatch, common.RECOGNISER_CONN, **conn)
        yield simulator


@pytest.fixture
def anthropic(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessagesSimulator]:
    simulator = MessagesSimulator()
    with running(simulator) as url:
        connection(monkeypatch, common.LLM_ANTHROPIC_CONN, conn_type="generic", host=url, password=KEY)
        yield simulator


def switch(monkeypatch: pytest.MonkeyPatch, routing: str, **other: str) -> None:
    extra = {"FF_LLM_ROUTING_ENABLED": routing, **other}
    connection(monkeypatch, calls.POLICY_CONN, conn_type="generic", extra=extra)


def ask() -> ModelResponse:
    with summary_model("gpt-5-mini", RUN) as model:
        return model.ask(**ASKED)


def sent(simulator: RecogniserSimulator) -> dict[str, Any]:
    request: dict[str, Any] = simulator.journal.entries("chat")[-1].detail["request"]
    return request


@pytest.mark.parametrize("value", ["", "false"])
def test_switched_off_the_requests_are_those_of_one_client(
    monkeypatch: pytest.MonkeyPatch, openai: RecogniserSimulator, anthropic: MessagesSimulator, value: str
) -> None:
    switch(monkeypatch, value)
    routed = (ask(), sent(openai))
    access = access_of("language_model")
    assert access is not None
    with LanguageModel(api_key=access.api_key, base_url=access.base_url, model="gpt-5-mini", proxy_url=None) as model:
        assert (model.ask(**ASKED), sent(openai)) == routed
    assert not anthropic.journal.entries()


def test_switched_off_a_failure_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, openai: RecogniserSimulator, anthropic: MessagesSimulator
) -> None:
    switch(monkeypatch, "false")
    openai.retired.add("gpt-5-mini")
    with pytest.raises(Permanent):
        ask()
    assert not anthropic.journal.entries()


def test_switched_on_the_first_provider_gets_the_same_request(
    monkeypatch: pytest.MonkeyPatch, openai: RecogniserSimulator
) -> None:
    switch(monkeypatch, "false")
    ask()
    before = sent(openai)
    switch(monkeypatch, "true")
    ask()
    after = {name: value for name, value in sent(openai).items() if name not in OWN_OF_THE_LIBRARY}
    assert after == before


def test_switched_on_another_provider_answers_and_the_price_is_its_own(
    monkeypatch: pytest.MonkeyPatch, database: str, openai: RecogniserSimulator, anthropic: MessagesSimulator
) -> None:
    switch(monkeypatch, "true", SUMMARY_MODEL="gpt-5-nano")
    openai.retired.add("gpt-5-nano")
    response = ask()
    assert response.usage.model == "claude-haiku-5-5"
    assert response.usage.usd
    with psycopg.connect(database) as connected:
        rows = connected.execute(
            "SELECT task, provider, outcome, run_id, cost FROM llm_requests ORDER BY id"
        ).fetchall()
    assert [row[:4] for row in rows] == [
        ("call_summary", "openai-small", "misconfigured", str(RUN)),
        ("call_summary", "anthropic-small", "ok", str(RUN)),
    ]
    assert rows[1][4] == response.usage.usd


def test_the_day_s_ceiling_costs_summaries_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, openai: RecogniserSimulator
) -> None:
    switch(monkeypatch, "true", LLM_DAILY_BUDGET_USD="0.000001")
    ask()
    with pytest.raises(Permanent, match="LLM_DAILY_BUDGET_USD"):
        ask()


def test_a_response_that_was_paid_in_vain_is_named_beside_the_good_one(
    monkeypatch: pytest.MonkeyPatch, openai: RecogniserSimulator, anthropic: MessagesSimulator
) -> None:
    switch(monkeypatch, "true")
    openai.writes = lambda _schema, _text: "no object"
    response = ask()
    assert response.usage.model == "claude-haiku-5-5"
    assert [each.usage.usd is not None for each in response.unusable] == [True]
