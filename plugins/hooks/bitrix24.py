"""The portal from the connection `bitrix24`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.common.errors import NotConfigured
from include.common.names import PORTAL_CONN
from include.common.wording import connections as texts
from plugins.airflow_kit.connection_test import tested
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook

if TYPE_CHECKING:
    from include.clients.bitrix24.telephony import PortalSettings
    from include.clients.bitrix24.webhook import Webhook
    from include.common.telephony import TelephonySystem


class Bitrix24Hook(BaseHook):
    """host = the portal's address, login = the webhook's user id, password = its token."""

    conn_name_attr = "bitrix24_conn_id"
    default_conn_name = PORTAL_CONN
    conn_type = "bitrix24"
    hook_name = texts.BITRIX24

    def __init__(self, bitrix24_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.bitrix24_conn_id = bitrix24_conn_id

    def get_conn(self) -> "Webhook":
        """Raises NotConfigured if the connection is missing or makes no webhook."""
        from include.clients.bitrix24.webhook import Webhook

        try:
            conn = self.get_connection(self.bitrix24_conn_id)
        except AirflowNotFoundException:
            raise NotConfigured(
                f"no Airflow connection {self.bitrix24_conn_id!r}: set B24_BASE_URL, B24_WEBHOOK_USER_ID and "
                "B24_WEBHOOK_TOKEN",
                problem="no_portal",
            ) from None
        mask_secret(conn.password)
        return Webhook.of(conn.host or "", conn.login or "", conn.password or "")

    @contextmanager
    def telephony(self, *, run_id: UUID | None = None, low_rate: bool = False) -> "Iterator[TelephonySystem]":
        """A client whose requests the state database paces, together with those of all other workers.

        `low_rate`: the run was asked to spare the portal; each of its tasks prolongs the low rate.
        """
        from include.clients.bitrix24.telephony import open_telephony

        webhook, conninfo = self.get_conn(), CallsStateHook().conninfo()
        with open_telephony(webhook, conninfo, _settings(), run_id=run_id, force_low_rate=low_rate) as telephony:
            yield telephony

    def test_connection(self) -> tuple[bool, str]:
        """The check of `preflight`: may this webhook see everything that the export needs?"""

        def check() -> str:
            with self.telephony() as telephony:
                telephony.check_access(datetime.now(UTC))
            return texts.PORTAL_ALLOWS

        return tested(self.bitrix24_conn_id, check)


def _settings() -> "PortalSettings":
    from include.clients.bitrix24.telephony import PortalSettings

    # the bundle: for a self-hosted portal under a private authority
    return PortalSettings.of(load_run_policy().portal, ca_bundle=os.environ.get("REQUESTS_CA_BUNDLE"))
