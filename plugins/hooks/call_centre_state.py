"""The state of the call centre from the connection of the state database: it is a schema of the same database."""

from typing import TYPE_CHECKING

from plugins.hooks.calls_state import CallsStateHook

if TYPE_CHECKING:
    from include.call_centre.state.state import QualityState


def open_quality_state() -> "QualityState":
    from include.call_centre.state.state import QualityState

    return QualityState.open(CallsStateHook().conninfo())
