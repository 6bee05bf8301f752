"""Connection types of the sources of sales and ads, for Airflow's form and its «Test» button."""

from airflow.sdk import BaseHook

from include.common.wording import connections as texts
from include.sales.domain.scopes import Source
from include.sales.names import DIRECT_CONN, GMAIL_CONN, QTICKETS_CONN, VK_ADS_CONN
from plugins.airflow_kit.connection_test import tested


class SalesSourceHook(BaseHook):
    """A source asks through `open_source`; the hook is what Airflow's form knows of it."""

    conn_name_attr = "source_conn_id"
    source: Source

    def __init__(self, source_conn_id: str = "") -> None:
        super().__init__()
        self.source_conn_id = source_conn_id or getattr(self, "default_conn_name", "")

    def test_connection(self) -> tuple[bool, str]:
        """Asks the source for something cheap, with the pace that all tasks share."""

        def check() -> str:
            from plugins.hooks.sales_sources import open_source
            from plugins.hooks.sales_state import open_sales_state

            with open_sales_state() as state, open_source(self.source, state, self.source_conn_id) as source:
                source.check_access()
            return texts.SOURCE_ANSWERS

        return tested(self.source_conn_id, check)


class QticketsHook(SalesSourceHook):
    conn_type, hook_name, default_conn_name = "qtickets", texts.QTICKETS, QTICKETS_CONN
    source = Source.QTICKETS


class VkAdsHook(SalesSourceHook):
    conn_type, hook_name, default_conn_name = "vk_ads", texts.VK_ADS, VK_ADS_CONN
    source = Source.VK_ADS


class YandexDirectHook(SalesSourceHook):
    conn_type, hook_name, default_conn_name = "yandex_direct", texts.YANDEX_DIRECT, DIRECT_CONN
    source = Source.DIRECT


class GmailReserveHook(SalesSourceHook):
    conn_type, hook_name, default_conn_name = "gmail_reserve", texts.GMAIL_RESERVE, GMAIL_CONN
    source = Source.GMAIL
