"""Looks for what no load can see of itself: days that nothing has covered, rows that cannot be, views that disagree."""

from collections.abc import Collection

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import ExportError
from include.sales.domain.scopes import Source
from include.sales.policy import SalesPolicy
from include.sales.state import warehouse_schema
from include.sales.state.sales_alerts import AlertType
from include.sales.state.state import SalesState
from include.sales.state.warehouse_checks import troubles
from include.sales.wording import alerts as words

_JOB, _SELF = "alerts", "checks"
GRAVE = frozenset({"coverage_gap", "coverage_differs", "key_in_two_months", "views_disagree"})


def check_data(state: SalesState, warehouse: Warehouse, sources: Collection[Source], policy: SalesPolicy) -> None:
    """Every check opens an alert of its name for each account that it names, and closes those that it names no more.

    A check that was not answered opens `health` and closes nothing. `sources`: those that are configured.
    """
    refused = ""
    for check in warehouse_schema.checks():
        try:
            found = troubles(warehouse, check, policy.time.zone, policy.checks.model_dump())
        except ExportError as error:
            refused = refused or words.CHECK_REFUSED.format(name=check.name, reason=error)
            continue
        wrong = {(one.source, one.account): one for one in found if one.source in sources}
        kind: AlertType = "error" if check.name in GRAVE else "warning"
        for (source, account), one in wrong.items():
            message = words.CHECK.format(times=one.times, example=one.example)
            state.alerts.see(check.name, kind, job=_JOB, source=source, account=account, message=message)
        for alert in state.alerts.open():
            if alert.code == check.name and (alert.source, alert.account) not in wrong:
                state.alerts.resolve(check.name, job=_JOB, source=alert.source, account=alert.account)
    if refused:
        state.alerts.see("health", "error", job=_JOB, source=_SELF, message=refused)
    else:
        state.alerts.resolve("health", job=_JOB, source=_SELF)
