"""`/callcenter/llm/...`: the routing table and the providers, read and changed.

Reading needs the right to see the runs of `call_export`, changing the right to edit them. A change from a page must
come from the page's own origin: a browser says so, other clients send no such header.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, Header, HTTPException, Path
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from include.calls.names import DAG_ID
from include.clients.language_models.routing_state import RoutingState
from include.clients.language_models.routing_table import checked, layers, merged, routing_table, with_sources
from include.common.errors import BadInput, ExportError
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.language_models import CONNECTIONS, access_of, routing_switched_on
from plugins.hooks.policy_overrides import policy_overrides

__all__ = ["RequestValidationError", "router"]


def same_origin(sec_fetch_site: Annotated[str | None, Header()] = None) -> None:
    if sec_fetch_site not in (None, "same-origin"):
        raise HTTPException(403, "changes are accepted from Airflow's own pages only")


may_read = Depends(requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID))
may_change = [Depends(requires_access_dag("PUT", DagAccessEntity.RUN, DAG_ID)), Depends(same_origin)]
router = APIRouter(prefix="/llm")
Version = Annotated[str, Header(alias="if-match", pattern=r'^"?[0-9]{1,9}"?$')]
ProviderName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Table(BaseModel):
    """The effective table: `version` is that of the API's layer, 0 if there is none; each field with its source."""

    version: int
    actor: str | None
    reason: str | None
    at: datetime | None
    failover: bool
    fields: list[dict[str, Any]]


class Change(BaseModel):
    """`config` is merged into the API's layer at every depth; a list replaces a list, null takes a field away."""

    model_config = ConfigDict(extra="forbid")

    config: Annotated[dict[str, Any], Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Allowance(BaseModel):
    """What all tasks together may cost today (UTC), USD."""

    model_config = ConfigDict(extra="forbid")

    usd: Annotated[Decimal, Field(gt=0, max_digits=10, decimal_places=2)]


class ProviderNow(BaseModel):
    """A provider as it is now; `seconds` until that may change by itself."""

    provider: str
    type: str
    model: str
    state: str
    reason: str | None
    seconds: float | None
    failures: int
    spent_today_usd: Decimal
    tasks: list[str]


@router.get("/config", dependencies=[may_read])
def config() -> Table:
    with _state() as state:
        return _table(state)


@router.patch("/config", dependencies=may_change)
def change(asked: Change, user: GetUserDep, if_match: Version) -> Table:
    """409: the table was changed since the version in `If-Match`; 422: it cannot be used, nothing was changed."""
    with _state() as state:
        written = state.written()
        layer = merged(written.config if written else {}, asked.config)
        tree: dict[str, Any] = {}
        for _, each in layers(policy_overrides(), layer):
            tree = merged(tree, each)
        table = checked(tree)
        for name, provider in table.providers.items():
            if provider.connection not in CONNECTIONS:
                raise BadInput(
                    f"providers.{name}: there is no connection {provider.connection}",
                    problem="llm_bad_table",
                    where=f"providers.{name}",
                    reason=provider.connection,
                )
        based_on = int(if_match.strip('"'))
        state.write(layer, asked.config, based_on=based_on, actor=user.get_name(), reason=asked.reason)
        return _table(state)


@router.get("/providers", dependencies=[may_read])
def providers() -> list[ProviderNow]:
    with _state() as state:
        written = state.written()
        table = routing_table(policy_overrides(), written.config if written else None)
        standings = {each.provider: each for each in state.standings(list(table.providers))}
    found = []
    for name, provider in table.providers.items():
        standing = standings[name]
        waits = [each for each in (standing.opens_in, standing.throttled_for) if each is not None and each > 0]
        shown = standing.state
        if not provider.enabled:
            shown = "disabled"
        elif access_of(provider.connection) is None:
            shown = "keyless"
        elif shown == "closed" and waits:
            shown = "throttled"
        found.append(
            ProviderNow(
                provider=name,
                type=provider.type,
                model=provider.model,
                state=shown,
                reason=standing.reason,
                seconds=max(waits, default=None),
                failures=standing.failures,
                spent_today_usd=standing.spent_today,
                tasks=[task for task, route in table.tasks.items() if name in route.providers],
            )
        )
    return found


@router.post("/providers/{name}/reset", dependencies=may_change)
def reset(name: ProviderName, user: GetUserDep) -> dict[str, bool]:
    """Asks it again at once; `changed` is False if nothing was wrong with it."""
    with _state() as state:
        return {"changed": state.reset(name, user.get_name())}


@router.post("/day", dependencies=may_change)
def allow_today(asked: Allowance, user: GetUserDep) -> dict[str, str]:
    """Raises the ceiling of today (UTC); a smaller sum than before changes nothing."""
    with _state() as state:
        state.allow_day(asked.usd, user.get_name())
        return {"allowed_usd": str(state.day().allowed)}


def _table(state: RoutingState) -> Table:
    written = state.written()
    given = policy_overrides()
    return Table(
        version=written.version if written else 0,
        actor=written.actor if written else None,
        reason=written.reason if written else None,
        at=written.at if written else None,
        failover=routing_switched_on(given),
        fields=with_sources(given, written.config if written else None),
    )


@contextmanager
def _state() -> Iterator[RoutingState]:
    """The state; our errors become answers."""
    try:
        with RoutingState.open(CallsStateHook().conninfo()) as state:
            yield state
    except BadInput as error:
        raise HTTPException(409 if error.problem == "llm_table_changed" else 422, str(error)) from None
    except ExportError as error:
        raise HTTPException(503, str(error)) from None
