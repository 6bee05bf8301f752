"""The router over the language models of the routing table: its layers, the connections of its providers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.clients.language_models.routing_table import SWITCH, RoutingTable, narrowed, routing_table
from include.common.errors import NotConfigured
from include.common.names import (
    LANGUAGE_MODEL_CONN,
    LLM_ANTHROPIC_CONN,
    LLM_DEEPSEEK_CONN,
    LLM_GEMINI_CONN,
    LLM_LOCAL_CONN,
    RECOGNISER_CONN,
)
from include.common.secret_digest import secret_digest
from plugins.hooks.policy_overrides import policy_overrides

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.clients.language_models.question import Access
    from include.clients.language_models.router import Router
    from include.clients.language_models.routing_state import RoutingState

# by the name that the routing table says, which has no prefix
CONNECTIONS = {
    "language_model": LANGUAGE_MODEL_CONN,
    "llm_anthropic": LLM_ANTHROPIC_CONN,
    "llm_deepseek": LLM_DEEPSEEK_CONN,
    "llm_gemini": LLM_GEMINI_CONN,
    "llm_local": LLM_LOCAL_CONN,
}


def routing_switched_on(given: Mapping[str, str]) -> bool:
    return given.get(SWITCH, "").strip().lower() in ("true", "1", "yes", "on")


def effective_table(state: "RoutingState") -> RoutingTable:
    written = state.written()
    return routing_table(policy_overrides(), written.config if written else None)


@contextmanager
def open_router(state: "RoutingState", *, run_id: str = "", only: tuple[str, str] | None = None) -> "Iterator[Router]":
    """The table is read once, here. `only`: this task asks this provider alone.

    Raises NotConfigured if the optional packages are not installed.
    """
    from include.clients.language_models.router import Router

    try:
        from include.clients.language_models.prices import forecast
        from include.clients.language_models.provider_client import ProviderClient
    except ImportError:
        raise NotConfigured(
            "the packages of language models are not installed: install requirements-models.txt",
            problem="llm_not_installed",
        ) from None
    table = effective_table(state)
    with Router(
        narrowed(table, *only) if only else table,
        state,
        access_of,
        open_client=ProviderClient,
        price=forecast,
        failover=routing_switched_on(policy_overrides()),
        run_id=run_id,
    ) as router:
        yield router


def access_of(name: str) -> "Access | None":
    """`name` is the table's. None for a connection that does not exist or has neither a key nor an address.

    Raises NotConfigured if the connection requires a proxy and names none.
    """
    from include.clients.language_models.question import Access

    conn = connection_of(CONNECTIONS.get(name, name))
    if conn is None or not (conn.password or conn.host):
        return None
    extra = conn.extra_dejson
    proxy = extra.get("proxy_url") or None
    if extra.get("require_proxy") and not proxy:
        raise NotConfigured(
            f"REQUIRE_PROXY is set, but the connection {name} has no proxy: nothing is sent",
            problem="proxy_required",
        )
    for secret in (conn.password, proxy):
        if secret:
            mask_secret(secret)
    known = f"{conn.host}|{conn.password}|{proxy}"
    key = str(conf.get("core", "fernet_key", fallback=""))
    return Access(conn.password or None, conn.host or None, proxy, secret_digest(key, known))


def connection_of(conn_id: str) -> "Connection | None":
    """Most installations have one account for speech and texts: then OpenAI's models are the recogniser's
    connection.
    """
    for name in (conn_id, RECOGNISER_CONN) if conn_id == LANGUAGE_MODEL_CONN else (conn_id,):
        try:
            return BaseHook.get_connection(name)
        except AirflowNotFoundException:
            continue
    return None
