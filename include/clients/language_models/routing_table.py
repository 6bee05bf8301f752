"""Which task asks which language model: the table, its defaults, and where each of its values comes from.

Of three layers the later wins, field by field: `routing.yaml`, the environment, the last version that was written
through the API. A list is one field: a later layer replaces it whole.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.common.errors import BadInput, NotConfigured

DEFAULTS = Path(__file__).with_name("routing.yaml")
Tree = dict[str, Any]

# environment variable -> path in the table
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "LLM_DAILY_BUDGET_USD": ("daily_budget_usd",),
    "SUMMARY_MODEL": ("tasks", "call_summary", "model"),
    "QUALITY_LLM_MODEL": ("tasks", "quality_scoring", "model"),
}
SWITCH = "FF_LLM_ROUTING_ENABLED"  # not in the table: the right to change it is no right to switch failover on

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
ModelName = Annotated[str, Field(pattern=r"^\S{1,80}$")]
Usd = Annotated[Decimal, Field(ge=0, max_digits=14)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provider(_Part):
    """One model at one service. `connection` is Airflow's; prices are USD per million tokens, None: the public ones.

    `type` is whose wire format the service speaks. `daily_budget_usd` is for a day in UTC.
    """

    type: Literal["anthropic", "openai"]
    model: ModelName
    connection: Name
    enabled: bool = True
    timeout_seconds: Annotated[float, Field(ge=1, le=600)] = 60.0
    context_tokens: Annotated[int, Field(ge=1000, le=10_000_000)]
    daily_budget_usd: Usd | None = None
    input_usd_per_million: Usd | None = None
    output_usd_per_million: Usd | None = None


class TaskRoute(_Part):
    """`model`, if set, replaces that of the first provider.

    `wait_seconds`: a shorter wait is better than a failover.
    """

    providers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10)]
    wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0
    model: ModelName | None = None


class Breaker(_Part):
    failures: Annotated[int, Field(ge=1, le=100)]
    open_seconds: Seconds
    max_open_seconds: Seconds
    probe_seconds: Seconds


class RoutingTable(_Part):
    """The whole table; `daily_budget_usd` bounds all tasks together in a day in UTC."""

    daily_budget_usd: Usd
    providers: dict[Name, Provider]
    tasks: dict[Name, TaskRoute]
    breaker: Breaker

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for task, route in self.tasks.items():
            for provider in route.providers:
                if provider not in self.providers:
                    raise ValueError(f"tasks.{task}: there is no provider {provider}")
            if len(set(route.providers)) != len(route.providers):
                raise ValueError(f"tasks.{task}: a provider is named twice")
        return self

    def route(self, task: str) -> list[tuple[str, Provider]]:
        """The task's providers in order, each with its name. Raises NotConfigured for a task without a route."""
        found = self.tasks.get(task)
        if found is None:
            raise NotConfigured(
                f"the routing table has no task {task}: add it with PATCH /callcenter/llm/config",
                problem="llm_no_route",
                task=task,
            )
        chosen = [(name, self.providers[name]) for name in found.providers]
        if found.model:
            first, provider = chosen[0]
            chosen[0] = (first, provider.model_copy(update={"model": found.model}))
        return chosen


def narrowed(table: RoutingTable, task: str, provider: str) -> RoutingTable:
    """The table in which this task asks this provider alone. Raises BadInput for a provider that is not there."""
    if provider not in table.providers:
        raise BadInput(
            f"there is no provider {provider}; known: {', '.join(table.providers)}",
            problem="llm_no_provider",
            provider=provider,
            known=", ".join(table.providers),
        )
    route = TaskRoute(providers=(provider,), wait_seconds=table.tasks[task].wait_seconds)
    return table.model_copy(update={"tasks": {**table.tasks, task: route}})


def defaults() -> Tree:
    tree: Tree = yaml.load(DEFAULTS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return tree


def layers(overrides: Mapping[str, str], written: Tree | None) -> list[tuple[str, Tree]]:
    """The layers of the table, the strongest last: (`file` | variable | `api`, tree).

    `overrides` are variables of the environment, empty ones are ignored; `written` is the last version of the API.
    """
    found: list[tuple[str, Tree]] = [("file", defaults())]
    for variable, path in ENVIRONMENT.items():
        if value := overrides.get(variable, "").strip():
            found.append((variable, _nested(path, value)))
    if written:
        found.append(("api", written))
    return found


def routing_table(overrides: Mapping[str, str], written: Tree | None) -> RoutingTable:
    """Raises BadInput in one sentence for a table that cannot be used."""
    tree: Tree = {}
    for _, layer in layers(overrides, written):
        tree = merged(tree, layer)
    return checked(tree)


def checked(tree: Tree) -> RoutingTable:
    """Raises BadInput that names the first wrong field and never its value."""
    try:
        return RoutingTable.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the table"
    reason = first["msg"].removeprefix("Value error, ")
    raise BadInput(
        f"the routing table is not accepted: {where}: {reason}", problem="llm_bad_table", where=where, reason=reason
    )


def merged(below: Tree, above: Tree) -> Tree:
    """`above` over `below`, key by key at every depth; None in `above` takes a key away."""
    found = dict(below)
    for key, value in above.items():
        kept = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(kept, dict):
            found[key] = merged(kept, value)
        else:
            found[key] = value
    return found


def with_sources(overrides: Mapping[str, str], written: Tree | None) -> list[dict[str, Any]]:
    """Every field of the effective table with its value and the layer that it comes from, for people."""
    found: dict[str, dict[str, Any]] = {}
    for source, layer in layers(overrides, written):
        for path, value in _leaves(layer):
            if value is None:
                found.pop(path, None)
            else:
                found[path] = {"field": path, "value": value, "source": source}
    return [found[path] for path in sorted(found)]


def _leaves(tree: Tree, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, dict):
            yield from _leaves(value, path)
        else:
            yield path, value


def _nested(path: tuple[str, ...], value: object) -> Tree:
    tree: Tree = {path[-1]: value}
    for key in reversed(path[:-1]):
        tree = {key: tree}
    return tree
