"""Events that the API has named, for letters that name them otherwise."""

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.letters import KnownEvent


def known_events(warehouse: Warehouse) -> list[KnownEvent]:
    """Each date of each event that the warehouse knows."""
    found = warehouse.rows(
        "SELECT e.event_id, e.name, e.city, s.local_date FROM dim_shows AS s FINAL"
        " JOIN dim_events AS e FINAL ON e.event_id = s.event_id"
    )
    return [KnownEvent(int(event), str(name), str(city), day) for event, name, city, day in found]
