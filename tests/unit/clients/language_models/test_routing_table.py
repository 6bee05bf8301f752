"""The routing table: layers, their order, and what is refused at the door in one sentence."""

from decimal import Decimal
from typing import Any

import pytest

from include.clients.language_models.prices import Tokens, cost, forecast
from include.clients.language_models.routing_table import (
    Provider,
    checked,
    defaults,
    merged,
    routing_table,
    with_sources,
)
from include.common.errors import BadInput, NotConfigured

HAIKU = Provider(type="anthropic", model="claude-haiku-5-5", connection="llm_anthropic", context_tokens=1000)


def test_the_defaults_are_a_table() -> None:
    table = routing_table({}, None)
    assert {task: len(route.providers) for task, route in table.tasks.items()}
    for task in table.tasks:
        assert len({provider.type for _, provider in table.route(task)}) == 2, "failover leads to another vendor"


def test_the_api_is_over_the_environment_over_the_file() -> None:
    environment = {"SUMMARY_MODEL": "model-of-the-environment", "LLM_DAILY_BUDGET_USD": "7"}
    table = routing_table(environment, {"tasks": {"call_summary": {"wait_seconds": 3}}})
    assert table.daily_budget_usd == Decimal(7)
    assert table.route("call_summary")[0][1].model == "model-of-the-environment"
    assert table.tasks["call_summary"].wait_seconds == 3
    written = {"tasks": {"call_summary": {"model": "model-of-the-api"}}}
    assert routing_table(environment, written).route("call_summary")[0][1].model == "model-of-the-api"
    found = {each["field"]: each["source"] for each in with_sources(environment, written)}
    assert found["tasks.call_summary.model"] == "api"
    assert found["daily_budget_usd"] == "LLM_DAILY_BUDGET_USD"
    assert found["breaker.failures"] == "file"


def test_a_patch_merges_deeply_and_a_list_is_one_field() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merged(before, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 1}
    assert merged(before, {"a": {"b": None}}) == {"a": {"c": [1, 2]}, "d": 1}
    assert before == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"provider": {}}, "provider"),
        ({"tasks": {"call_summary": {"providers": []}}}, "tasks.call_summary.providers"),
        ({"tasks": {"call_summary": {"providers": ["nowhere"]}}}, "there is no provider nowhere"),
        ({"tasks": {"call_summary": {"providers": ["local", "local"]}}}, "named twice"),
        ({"providers": {"local": {"model": "with a blank"}}}, "providers.local.model"),
        ({"providers": {"local": {"daily_budget_usd": -1}}}, "daily_budget_usd"),
        ({"providers": {"local": {"type": "gemini"}}}, "type"),
        ({"providers": {"../x": {"type": "openai", "model": "m", "connection": "c", "context_tokens": 9999}}}, "../x"),
        ({"breaker": {"open_seconds": "NaN"}}, "open_seconds"),
        ({"breaker": "off"}, "breaker"),
        ({"daily_budget_usd": None}, "daily_budget_usd"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked(merged(defaults(), change))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_task_without_a_route_is_named() -> None:
    with pytest.raises(NotConfigured, match="article_processor"):
        routing_table({}, None).route("article_processor")


def test_prices_are_the_vendor_s_and_cached_input_is_cheaper() -> None:
    full = cost(HAIKU, "claude-haiku-5-5", Tokens(10_000, 0, 0))
    assert cost(HAIKU, "claude-haiku-5-5", Tokens(10_000, 9_000, 0)) < full / 2
    assert cost(HAIKU, "claude-haiku-5-5", Tokens(0, 0, 10_000)) > full
    assert cost(HAIKU, "claude-haiku-5-5-20260901", Tokens(10_000, 0, 0)) == full


def test_an_unknown_model_costs_the_dearest_price_and_a_price_of_the_table_goes_before() -> None:
    unknown = HAIKU.model_copy(update={"model": "nobody-knows"})
    assert forecast(unknown, "nobody-knows", 1_000_000, 0) > forecast(HAIKU, "claude-haiku-5-5", 1_000_000, 0)
    own = unknown.model_copy(update={"input_usd_per_million": Decimal(0), "output_usd_per_million": Decimal(2)})
    assert forecast(own, "nobody-knows", 1_000_000, 1_000_000) == Decimal(2)


def test_a_charge_is_never_rounded_down_to_nothing() -> None:
    assert forecast(HAIKU, "claude-haiku-5-5", 1, 0) == Decimal("0.000001")
