"""Cities by their spellings in campaign labels and by QTickets' numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.sales.domain.rows import CityAlias


@dataclass(frozen=True, slots=True)
class Cities:
    """`by_alias`: spelling in lower case -> city; `by_number`: `city_id` of QTickets -> city."""

    by_alias: Mapping[str, str]
    by_number: Mapping[int, str]

    @classmethod
    def of(cls, aliases: Mapping[str, Sequence[str]], numbers: Mapping[int, str]) -> "Cities":
        """From city -> spellings, and QTickets' number -> city. A city's own name is a spelling, too."""
        found: dict[str, str] = {}
        for city, spellings in aliases.items():
            for spelling in (city, *spellings):
                found[spelling.casefold()] = city
        return cls(found, dict(numbers))

    def rows(self) -> tuple[CityAlias, ...]:
        return tuple(CityAlias(alias, city) for alias, city in sorted(self.by_alias.items()))

    def of_alias(self, spelling: str) -> str:
        """The city, or the spelling itself where it is unknown."""
        return self.by_alias.get(spelling.casefold(), spelling)

    def of_number(self, city_id: int) -> str | None:
        return self.by_number.get(city_id)
