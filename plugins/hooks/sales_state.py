"""The state of sales from the connection of the state database: it is a schema of the same database."""

from typing import TYPE_CHECKING

from plugins.hooks.calls_state import CallsStateHook

if TYPE_CHECKING:
    from include.sales.state.state import SalesState


def open_sales_state() -> "SalesState":
    from include.sales.state.state import SalesState

    return SalesState.open(CallsStateHook().conninfo())
