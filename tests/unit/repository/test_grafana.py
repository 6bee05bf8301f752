"""The dashboards and their provisioning by Grafana's own models; Grafana itself is on no package index for tests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ops.settings.profile import REPOSITORY

GRAFANA = REPOSITORY / "ops" / "monitoring" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").rglob("*.json"))
each_dashboard = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)


@pytest.fixture(scope="module", autouse=True)
def _panels() -> None:
    """Options of each type of panel have a model of their own."""
    register_default_plugins()


def loaded(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def unknown(dashboard: dict[str, Any]) -> list[str]:
    """What the models do not know, or read as something else, by its place."""
    read = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    return list(_differences(dashboard, read))


def _differences(written: Any, read: Any, place: str = "") -> Iterator[str]:
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            if key in read:
                yield from _differences(value, read[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}"
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for number, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif written != read:
        yield place


@each_dashboard
def test_grafana_knows_every_key_of_a_dashboard(file: Path) -> None:
    assert unknown(loaded(file)) == []


def test_a_misspelt_key_would_be_seen() -> None:
    dashboard = loaded(DASHBOARDS[0])
    dashboard["panels"][0]["fieldConfg"] = {}
    dashboard["panels"][1]["options"]["colourMode"] = "value"
    assert unknown(dashboard) == [".panels[0].fieldConfg", ".panels[1].options.colourMode"]


@each_dashboard
def test_panels_have_places_of_their_own_and_read_the_provisioned_source(file: Path) -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    sources = {one["uid"]: one["type"] for one in provisioned["datasources"]}
    taken: set[tuple[int, int]] = set()
    numbers = [panel["id"] for panel in loaded(file)["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in loaded(file)["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells
        source = panel.get("datasource") or {}
        assert sources.get(source.get("uid")) == source.get("type"), panel["title"]


def test_each_dashboard_has_an_address_of_its_own() -> None:
    names = [loaded(file)["uid"] for file in DASHBOARDS]
    assert len(set(names)) == len(names)
    assert all(names)
