"""An advertising account for simulators: ads with figures by day, and the truth about what they spent."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

CITIES = ("moskva", "spb", "kazan", "ekaterinburg")


@dataclass(slots=True)
class SimulatedAd:
    id: int
    group_id: int
    campaign_id: int
    name: str
    href: str
    utm: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Figures:
    shows: int = 0
    clicks: int = 0
    spent: Decimal = Decimal(0)


@dataclass
class Account:
    """`beyond`: what the account's own total has that no ad has, by day."""

    ads: list[SimulatedAd]
    days: dict[tuple[int, date], Figures] = field(default_factory=dict)
    beyond: dict[date, Decimal] = field(default_factory=dict)

    def ad(self, ad_id: int) -> SimulatedAd | None:
        return next((ad for ad in self.ads if ad.id == ad_id), None)

    def total(self, day: date) -> Figures:
        """As the account reports it: all ads and what is beyond them."""
        figures = [found for (_, at), found in self.days.items() if at == day]
        return Figures(
            sum(one.shows for one in figures),
            sum(one.clicks for one in figures),
            sum((one.spent for one in figures), Decimal(0)) + self.beyond.get(day, Decimal(0)),
        )

    def truth(self) -> dict[date, Decimal]:
        """Spend by day."""
        found: dict[date, Decimal] = defaultdict(Decimal)
        for (_, day), figures in self.days.items():
            found[day] += figures.spent
        for day, money in self.beyond.items():
            found[day] += money
        return dict(found)


def labels_of(source: str, first: date, campaigns: int = 8) -> list[dict[str, str]]:
    """UTM labels that ads carry and buyers bring along: `utm_content` names a city and a day."""
    found = []
    for number in range(campaigns):
        day = first + timedelta(days=number % 28)
        found.append(
            {
                "utm_source": source,
                "utm_medium": "cpc",
                "utm_campaign": f"tour-{number % 3}",
                "utm_content": f"{CITIES[number % len(CITIES)]}_{day:%d_%m}",
                "utm_term": f"ad-{number}",
            }
        )
    return found


def seeded_account(seed: int, first: date, last: date, labels: Sequence[dict[str, str]]) -> Account:
    """One ad for each of the labels, with figures on most days."""
    chance = random.Random(seed)
    base = 100_000 + seed * 1000
    ads = []
    for number, label in enumerate(labels):
        query = "&".join(f"{name}={value}" for name, value in label.items())
        group, campaign = base + 500 + number // 2, base + 900 + number // 4
        ads.append(
            SimulatedAd(base + number, group, campaign, f"Объявление {number}", f"https://example.org/?{query}#x")
        )
    account = Account(ads)
    for offset in range((last - first).days + 1):
        for ad in ads:
            if chance.random() < 0.9:
                shows = chance.randint(100, 20_000)
                spent = Decimal(chance.randint(1_000, 90_000)) / 100
                account.days[(ad.id, first + timedelta(days=offset))] = Figures(shows, shows // 50, spent)
    return account
