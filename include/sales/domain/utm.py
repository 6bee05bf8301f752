"""UTM labels: cleaned, lower case, without contacts; and the city and day that `utm_content` may name."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

_LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CITY_AND_DAY = re.compile(r"(?P<city>[a-zа-яё-]+)_(?P<dd>\d{2})_(?P<mm>\d{2})", re.IGNORECASE)
_E_MAIL = re.compile(r"[^\s@&?=,;]+@[^\s@&?=,;]+")
# campaigns' numbers are shorter or longer, so only the forms that are surely a phone number
_PHONE = re.compile(r"(?<!\d)(?:\+\d[\d ()-]{8,16}\d|[78][ (-]?\d{3}[ )-]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2})(?!\d)")
_HIDDEN = "***"


class Utm(NamedTuple):
    """Values in lower case, at most 200 characters each; "" where a label is absent."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""
    term: str = ""


class CityDay(NamedTuple):
    """From `moskva_28_11`: the spelling of the city, day and month. "" and 0 where the label has another form."""

    city: str = ""
    day: int = 0
    month: int = 0


NO_UTM = Utm()
NO_CITY = CityDay()


def utm_from_fields(fields: object) -> Utm:
    """From QTickets' `utm`: an object, or an empty list where there is none. Never raises."""
    if not isinstance(fields, Mapping) or not fields:
        return NO_UTM
    return Utm(*(_clean(fields.get(f"utm_{name}")) for name in Utm._fields))


def utm_from_query(query: str) -> Utm:
    """From a query such as `utm_source=vk&utm_content=...`, decoded once; the first of equal names counts."""
    try:
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return NO_UTM
    return utm_from_fields({name.lower(): value for name, value in reversed(pairs)})


def utm_from_link(href: str) -> Utm:
    try:
        return utm_from_query(urlsplit(href).query)
    except ValueError:
        return NO_UTM


def link_without_fragment(href: str) -> str:
    """The link of an ad, at most 2,000 characters; "" for a text that is no http(s) link or has credentials."""
    try:
        parts = urlsplit(href.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return ""
    return _without_contacts(_CONTROL.sub("", parts._replace(fragment="").geturl()))[:2000]


@lru_cache(maxsize=2000)
def city_and_day(content: str) -> CityDay:
    """What the whole of `utm_content` says; another form or an impossible day names no city, never a guess."""
    found = _CITY_AND_DAY.fullmatch(content)
    if found is None:
        return NO_CITY
    day, month = int(found["dd"]), int(found["mm"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return NO_CITY
    return CityDay(found["city"].lower(), day, month)


def _clean(value: object) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    return _clean_text(str(value)[: 4 * _LONGEST])


@lru_cache(maxsize=2000)  # an account's orders share a few hundred labels
def _clean_text(value: str) -> str:
    text = _CONTROL.sub("", value).strip().lower()
    return _without_contacts(text)[:_LONGEST].strip()


def _without_contacts(text: str) -> str:
    if "@" in text:
        text = _E_MAIL.sub(_HIDDEN, text)
    return _PHONE.sub(_HIDDEN, text)
