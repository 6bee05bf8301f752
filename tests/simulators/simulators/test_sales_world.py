"""Four vendors on one port, and what happens in their world on request."""

from datetime import date
from decimal import Decimal

import requests

from simulators.kit.in_process import running
from simulators.qtickets.app import TOKEN
from simulators.sales_world import SalesWorld

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 5)


def test_each_vendor_answers_at_its_own_paths() -> None:
    with running(SalesWorld(FIRST, LAST, orders=30)) as url, requests.Session() as session:
        found = session.get(f"{url}/api/rest/v1/orders", headers={"Authorization": f"Bearer {TOKEN}"}).json()
        assert found["paging"]["total"] == 30
        assert session.get(f"{url}/api/v2/user.json").status_code == 401
        assert session.post(f"{url}/json/v501/campaigns", json={}).json()["error"]["error_code"] == "53"
        assert session.get(f"{url}/gmail/v1/users/me/profile").status_code == 401


def test_an_act_changes_the_truth_by_what_happened() -> None:
    with running(SalesWorld(FIRST, LAST, orders=30)) as url, requests.Session() as session:
        before, sold, returned = (session.post(f"{url}/__world__/{act}").json() for act in ("truth", "sell", "refund"))
        assert Decimal(sold["net_revenue"]) - Decimal(before["net_revenue"]) == 1500
        assert (sold["tickets"], returned["tickets"]) == (before["tickets"] + 1, before["tickets"])
        assert Decimal(returned["net_revenue"]) < Decimal(sold["net_revenue"])


def test_a_seed_makes_the_same_world() -> None:
    one, other, another = (SalesWorld(FIRST, LAST, orders=40, seed=seed).qtickets.office.truth() for seed in (7, 7, 8))
    assert one == other != another


def test_buyers_come_with_the_labels_of_the_ads() -> None:
    world = SalesWorld(FIRST, LAST, orders=40)
    terms = {order.utm.get("utm_term") for order in world.qtickets.office.orders.values()}
    ads = {ad.href.partition("utm_term=")[2].removesuffix("#x") for ad in world.ads.accounts[4711].ads}
    assert terms & ads
