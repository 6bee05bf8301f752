"""A connection becomes a source of sales or ads; its pace and tokens are shared through PostgreSQL."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.common.errors import NotConfigured
from include.common.secret_digest import secret_digest
from include.sales.domain.scopes import Source
from include.sales.names import DIRECT_CONN, GMAIL_CONN, QTICKETS_CONN, VK_ADS_CONN
from plugins.hooks.sales_policy import load_run_sales_policy

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.clients.source_api import SourceApi, SourceName
    from include.sales.domain.scopes import SalesSource
    from include.sales.policy import SalesPolicy
    from include.sales.state.state import SalesState
    from include.sales.steps.advertising_source import AdvertisingSource
    from include.sales.steps.watch_tokens import GivenToken

CONNECTIONS = {
    Source.QTICKETS: QTICKETS_CONN,
    Source.VK_ADS: VK_ADS_CONN,
    Source.DIRECT: DIRECT_CONN,
    Source.GMAIL: GMAIL_CONN,
}


def has_source(source: Source) -> bool:
    """Whether the connection exists: a source without one is off."""
    try:
        BaseHook.get_connection(CONNECTIONS[source])
    except AirflowNotFoundException:
        return False
    return True


@contextmanager
def open_source(source: Source, state: "SalesState", conn_id: str = "") -> "Iterator[SalesSource]":
    """The source while the block lasts. Raises NotConfigured without its connection."""
    try:
        conn = BaseHook.get_connection(conn_id or CONNECTIONS[source])
    except AirflowNotFoundException:
        raise NotConfigured(
            f"there is no connection {CONNECTIONS[source]}", problem="source_off", source=source.value
        ) from None
    opened = _OPEN[source](conn, state, load_run_sales_policy())
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def open_advertising(source: Source, state: "SalesState") -> "Iterator[AdvertisingSource]":
    """One of the advertising systems."""
    from include.sales.steps.advertising_source import AdvertisingSource

    with open_source(source, state) as opened:
        assert isinstance(opened, AdvertisingSource)
        yield opened


def given_tokens(policy: "SalesPolicy") -> "list[GivenToken]":
    """Tokens of the connections that only a person can renew, and whose life is known; none if Airflow has no key."""
    from include.clients.vk_ads.vk_ads_api import VK_ADS
    from include.clients.yandex_direct.direct_errors import DIRECT
    from include.sales.steps.watch_tokens import GivenToken

    key, found = _fernet_keys(), []
    if not key:
        return []

    def given(source: Source, token: str, lives: timedelta, settings: str) -> None:
        found.append(GivenToken(source, secret_digest(key, f"{source}:{token}"), lives, settings))

    if has_source(Source.DIRECT) and (token := BaseHook.get_connection(DIRECT_CONN).password):
        given(Source.DIRECT, token, timedelta(days=policy.direct.token_days), DIRECT.settings)
    if has_source(Source.VK_ADS):
        extra = BaseHook.get_connection(VK_ADS_CONN).extra_dejson
        if (token := str(extra.get("access_token") or "")) and extra.get("api") != "legacy":
            lives = timedelta(hours=policy.vk_ads.ready_token_hours)
            given(Source.VK_ADS, token, lives, VK_ADS.settings)
    return found


def _qtickets(conn: "Connection", state: "SalesState", policy: "SalesPolicy") -> "SalesSource":
    from include.clients.qtickets.qtickets_api import QTICKETS, QticketsApi
    from include.sales.policy import load_cities
    from include.sales.steps.known_orders import open_orders
    from include.sales.steps.qtickets_source import QticketsSource
    from plugins.hooks.warehouse_hook import WarehouseHook

    def known(last: date) -> "Sequence[int]":
        with WarehouseHook().get_conn() as warehouse:
            return open_orders(warehouse, last, policy, _now())

    api = _api(conn, state, QTICKETS, Source.QTICKETS, "", policy.qtickets.rps, policy.qtickets.timeout_seconds)
    client = QticketsApi(api, conn.password or "")
    return QticketsSource(client, policy, load_cities(), open_orders=known, now=_now)


def _vk_ads(conn: "Connection", state: "SalesState", policy: "SalesPolicy") -> "SalesSource":
    from include.clients.vk_ads.vk_ads_api import VK_ADS, VkAdsApi
    from include.clients.vk_ads.vk_legacy_api import VK_LEGACY, VkLegacyApi
    from include.clients.vk_ads.vk_tokens import ClientTokens, ReadyToken, VkTokens
    from include.sales.domain.advertising_rows import vk_day_row
    from include.sales.state.stored_tokens import StoredTokens
    from include.sales.steps.advertising_source import AdvertisingSource

    extra, numbers = conn.extra_dejson, policy.vk_ads
    legacy, ready = extra.get("api") == "legacy", str(extra.get("access_token") or "")
    named = _listed(extra.get("accounts"))

    def api(account: str) -> "SourceApi":
        name = VK_LEGACY if legacy else VK_ADS
        return _api(conn, state, name, Source.VK_ADS, account, numbers.rps, numbers.timeout_seconds)

    def opened(account: str) -> Any:
        if legacy:
            return VkLegacyApi(api(account), ready, int(account))
        tokens: VkTokens = ReadyToken(ready)
        if not ready:
            store = StoredTokens(state.session, _fernet_keys())
            tokens = ClientTokens(
                api(""),
                conn.login or "",
                conn.password or "",
                store,
                agency_client=account if named else "",
                now=_now,
            )
        return VkAdsApi(
            api(account),
            tokens,
            ids_per_request=numbers.ids_per_request,
            days_per_request=numbers.days_per_request,
            now=_now,
        )

    def own_account() -> tuple[str, ...]:
        """The number of the account to which the client itself belongs."""
        if legacy:
            raise NotConfigured(
                "the legacy API of VK has no account of its own: set VK_ACCOUNT_IDS", problem="vk_legacy_needs_accounts"
            )
        client = opened("")
        try:
            return (str(client.account_id()),)
        finally:
            client.close()

    return AdvertisingSource(
        Source.VK_ADS,
        lambda: named or own_account(),
        opened,
        lambda account: vk_day_row(
            int(account), policy.money.currency, "legacy" if legacy else "v2", vat_included=numbers.spent_includes_vat
        ),
        policy,
        queued=False,
        now=_now,
    )


def _direct(conn: "Connection", state: "SalesState", policy: "SalesPolicy") -> "SalesSource":
    from include.clients.yandex_direct.direct_api import DirectApi
    from include.clients.yandex_direct.direct_errors import DIRECT
    from include.sales.domain.advertising_rows import direct_day_row
    from include.sales.steps.advertising_source import AdvertisingSource

    numbers = policy.direct

    def opened(login: str) -> Any:
        api = _api(conn, state, DIRECT, Source.DIRECT, login, numbers.rps, numbers.timeout_seconds)
        return DirectApi(api, conn.password or "", login)

    return AdvertisingSource(
        Source.DIRECT,
        lambda: _listed(conn.extra_dejson.get("logins")),
        opened,
        lambda login: direct_day_row(login, policy.money.currency),
        policy,
        queued=True,
        settles_days=numbers.settles_days,
        now=_now,
    )


def _gmail(conn: "Connection", state: "SalesState", policy: "SalesPolicy") -> "SalesSource":
    from include.clients.gmail.gmail_access import TOKEN_URL, GmailAccess, by_refresh_token, by_service_account
    from include.clients.gmail.gmail_api import GMAIL, GmailApi
    from include.sales.policy import load_cities
    from include.sales.steps.known_events import known_events
    from include.sales.steps.mail_source import MailSource
    from plugins.hooks.warehouse_hook import WarehouseHook

    extra, numbers = conn.extra_dejson, policy.gmail
    if extra.get("key_file"):
        made = by_service_account(Path(extra["key_file"]), str(extra.get("subject") or ""))
    else:
        made = by_refresh_token(
            Path(str(extra.get("credentials_path") or "")),
            conn.password or "",
            token_url=str(extra.get("token_url") or TOKEN_URL),
        )
    api = _api(conn, state, GMAIL, Source.GMAIL, "", numbers.rps, numbers.timeout_seconds)

    def known() -> Any:
        with WarehouseHook().get_conn() as warehouse:
            return known_events(warehouse)

    return MailSource(
        GmailApi(api, GmailAccess(made, **_way_out(conn))), policy, load_cities(), known_events=known, now=_now
    )


def _api(
    conn: "Connection",
    state: "SalesState",
    name: "SourceName",
    source: Source,
    owner: str,
    rate: float,
    timeout_seconds: float,
) -> "SourceApi":
    from include.clients.source_api import SourceApi
    from include.sales.state.source_pace import SharedPace

    pace = SharedPace(state.session, source.value, owner, rate=rate)
    return SourceApi(name, conn.host or "", pace, timeout_seconds=timeout_seconds, **_way_out(conn))


def _way_out(conn: "Connection") -> dict[str, Any]:
    """The authority of CA_BUNDLE, and the proxy of the connection's extra where it has one."""
    return {"ca_bundle": os.environ.get("REQUESTS_CA_BUNDLE"), "proxy_url": conn.extra_dejson.get("proxy_url")}


def _listed(value: Any) -> tuple[str, ...]:
    """A list of the launcher's, or what a person wrote into the form: `a, b`."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    return tuple(text for one in parts if (text := str(one).strip()))


def _fernet_keys() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("core", "fernet_key", fallback=""))


def _now() -> datetime:
    return datetime.now(UTC)


_OPEN = {
    Source.QTICKETS: _qtickets,
    Source.VK_ADS: _vk_ads,
    Source.DIRECT: _direct,
    Source.GMAIL: _gmail,
}
