"""Checks of what is in the warehouse: queries as files, of which every row is a trouble and no row is good."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.state.warehouse_schema import Statement, filled

_PARAMETER = re.compile(r"\{(\w+):")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A row of a check's answer: how many, and one of them."""

    source: str
    account: str
    times: int
    example: str


def troubles(warehouse: Warehouse, check: Statement, timezone: str, limits: Mapping[str, Any]) -> list[Trouble]:
    """What the check finds now; of `limits` it gets those that it names."""
    text = filled(check, warehouse, timezone)
    named = {name: limits[name] for name in _PARAMETER.findall(text)}
    return [Trouble(str(row[0]), str(row[1]), int(row[2]), str(row[3])) for row in warehouse.rows(text, **named)]
