"""The results of a run as assets, for which other DAGs wait."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias

from include.sales.domain.scopes import Source
from include.sales.names import ADS_ASSET, SALES_ASSET

if TYPE_CHECKING:
    from airflow.sdk import Context

SALES = Asset(SALES_ASSET)
ADS = Asset(ADS_ASSET)
PUBLISHED = AssetAlias("zakaz/published")


def announce(context: "Context", source: Source, *, rows: int, loads: Sequence[int]) -> None:
    """One event for a run that has loaded something; counts and load numbers alone."""
    asset = ADS if source in (Source.VK_ADS, Source.DIRECT) else SALES
    context["outlet_events"][PUBLISHED].add(asset, extra={"source": source.value, "rows": rows, "loads": list(loads)})
