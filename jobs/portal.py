"""The telephony system for the command line, from the connection that the tasks read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from include.calls.policy import PortalPolicy
from include.clients.bitrix24.telephony import PortalSettings, open_alone, open_telephony
from include.clients.bitrix24.webhook import Webhook
from include.common.names import PORTAL_CONN
from include.common.telephony import TelephonySystem
from jobs.airflow_api import connection_from_environment


@contextmanager
def telephony_from_environment(limits: PortalPolicy, conninfo: str | None) -> Iterator[TelephonySystem]:
    """Requests are paced together with those of all tasks, or alone where there is no state database yet.

    Raises NotConfigured for a connection that makes no webhook.
    """
    conn = connection_from_environment(PORTAL_CONN)
    webhook = Webhook.of(str(conn.get("host", "")), str(conn.get("login", "")), str(conn.get("password", "")))
    settings = PortalSettings.of(limits, ca_bundle=os.environ.get("REQUESTS_CA_BUNDLE"))
    opened = open_telephony(webhook, conninfo, settings) if conninfo else open_alone(webhook, settings)
    with opened as telephony:
        yield telephony
