"""A letter of the reserve channel: its tables become rows of sales, or the whole letter is refused.

One event is one row: so many tickets sold until the letter was received. A row that cannot be read refuses its letter,
for half a letter would look like fewer sales.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

from bs4 import BeautifulSoup

from include.common.contacts import without_contacts
from include.common.errors import LoadCode, Permanent
from include.sales.domain.cities import Cities
from include.sales.domain.letter_values import amount_of, count_of, currency_of, day_of, decoded
from include.sales.domain.rows import MailSale
from include.sales.domain.times import in_utc

HEADINGS: Mapping[str, frozenset[str]] = {
    "date": frozenset({"date", "event date", "дата", "дата события", "дата мероприятия"}),
    "event_id": frozenset({"event id", "id события", "id мероприятия"}),
    "event": frozenset({"event", "event name", "событие", "название события", "мероприятие", "название мероприятия"}),
    "city": frozenset({"city", "город"}),
    "tickets": frozenset({"tickets", "tickets sold", "билеты", "билетов", "продано", "продано билетов"}),
    "revenue": frozenset({"revenue", "amount", "выручка", "сумма", "сумма продажи", "сумма продаж"}),
    "refunds": frozenset({"refund", "refunds", "возврат", "возвраты"}),
    "currency": frozenset({"currency", "валюта"}),
}
_NEEDED = frozenset({"date", "event", "tickets", "revenue"})
_TOTALS = re.compile(r"(?:итого|всего|total|grand total)\b.*", re.IGNORECASE)
_DELIMITERS = (";", "\t", ",", "|")
_TOP_ROWS = 10  # of a table, in which the headings may stand
_CELL = 500
_NOTHING = Decimal("0.00")
_SPREADSHEETS = (".xlsx", ".xls", ".ods")

Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """A show that the API has named before; `local_date` is its day."""

    event_id: int
    name: str
    city: str
    local_date: date


def opened(raw: bytes) -> EmailMessage:
    """The letter as a tree of parts. A damaged one opens, too; its parts are what can be found."""
    letter = message_from_bytes(raw, policy=policy.default)
    assert isinstance(letter, EmailMessage)
    return letter


def sales_of(
    letter: EmailMessage,
    letter_id: str,
    received_at: datetime,
    *,
    cities: Cities,
    currency: str,
    most_rows: int,
) -> list[MailSale]:
    """The letter's rows of sales. `currency` where the letter names none.

    Raises Permanent (mail_unparsed) that says what cannot be read, without any value of the letter.
    """
    found: list[MailSale] = []
    tables = list(_tables(letter))
    for parser, table in tables:
        columns, rows = _headed(table)
        if columns is None:
            continue
        for row in rows:
            if not any(row) or _is_total(row, columns["date"]):
                continue
            if len(found) >= most_rows:
                raise _unparsed(f"it has more than {most_rows} rows")
            cells = {name: row[at] if at < len(row) else "" for name, at in columns.items()}
            found.append(_sale(cells, letter_id, len(found), in_utc(received_at), parser, cities, currency))
    if not found:
        raise _unparsed(_why_nothing(letter, tables))
    return found


def matched(
    row: MailSale, events: Mapping[tuple[date, str], Sequence[KnownEvent]], by_id: Mapping[int, KnownEvent]
) -> MailSale | None:
    """The row with the API's own name, city and number of its event; None where no known event is meant."""
    known = by_id.get(row.event_id)
    if known is None:
        same = [
            one
            for one in events.get((row.event_date, plain_name(row.event_name)), ())
            if not row.city or one.city == row.city
        ]
        known = same[0] if len({one.event_id for one in same}) == 1 else None
    if known is None:
        return None
    return row._replace(event_id=known.event_id, event_name=known.name, city=known.city)


def plain_name(name: str) -> str:
    """A name to compare by: letters and digits, in lower case."""
    return re.sub(r"[\W_]+", " ", name.replace("ё", "е").replace("Ё", "Е")).strip().casefold()


def _sale(
    cells: Mapping[str, str],
    letter_id: str,
    number: int,
    received_at: datetime,
    parser: str,
    cities: Cities,
    currency: str,
) -> MailSale:
    where = f"row {number + 1}"
    day, tickets, revenue = day_of(cells["date"]), count_of(cells["tickets"]), amount_of(cells["revenue"])
    refunds = amount_of(cells["refunds"]) if cells.get("refunds") else _NOTHING
    wrong = [
        name
        for name, value in (("date", day), ("tickets", tickets), ("revenue", revenue), ("refunds", refunds))
        if value is None
    ]
    event = without_contacts(cells["event"])
    event_id = cells.get("event_id", "")
    if not plain_name(event):
        wrong.append("event")
    if event_id and not re.fullmatch(r"\d{1,18}", event_id, re.ASCII):
        wrong.append("event_id")
    if wrong or day is None or tickets is None or revenue is None or refunds is None:
        raise _unparsed(f"{where}: {', '.join(wrong)} cannot be read")
    in_cell = currency_of(cells["currency"]) if cells.get("currency") else currency_of(cells["revenue"])
    city = without_contacts(cells.get("city", ""))
    content = (day, int(event_id or 0), event, cities.of_alias(city), tickets, revenue, refunds, in_cell or currency)
    digest = hashlib.sha256("\x1f".join(map(str, content)).encode()).hexdigest()
    return MailSale(letter_id, number, received_at, *content, digest, parser)


def _is_total(row: list[str], date_at: int) -> bool:
    """A line of totals has no day of its own; an event may be called "Всего понемногу"."""
    day = row[date_at] if date_at < len(row) else ""
    return day_of(day) is None and any(_TOTALS.fullmatch(cell) for cell in row)


def _headed(table: Table) -> tuple[dict[str, int] | None, Table]:
    """Where each column is, by the first row that names all that is needed; and the rows below it."""
    for number, row in enumerate(table[:_TOP_ROWS]):
        columns: dict[str, int] = {}
        for at, cell in enumerate(row):
            heading = re.sub(r"[\W_]+", " ", cell).strip().casefold()
            for name, spellings in HEADINGS.items():
                if heading in spellings:
                    columns.setdefault(name, at)
        if columns.keys() >= _NEEDED:
            return columns, table[number + 1 :]
    return None, []


def _tables(letter: EmailMessage) -> Iterator[tuple[str, Table]]:
    """Tables of the attachments; those of the letter's own text only where no attachment has one."""
    found = False
    for part in letter.walk():
        if _is_csv(part) and (table := _from_csv(_content(part))):
            found = True
            yield "csv", table
    if found:
        return
    for part in letter.walk():
        if part.get_content_type() == "text/html":
            for table in _from_html(_content(part)):
                yield "html", table


def _is_csv(part: EmailMessage) -> bool:
    name = (part.get_filename() or "").lower()
    return part.get_content_type() in ("text/csv", "application/csv") or name.endswith((".csv", ".tsv"))


def _content(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    return decoded(payload) if isinstance(payload, bytes) else ""


def _from_csv(content: str) -> Table:
    """With the delimiter that makes the headings readable."""
    for delimiter in _DELIMITERS:
        try:
            rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
        except csv.Error:
            continue
        table = [[" ".join(cell.split())[:_CELL] for cell in row] for row in rows]
        if _headed(table)[0] is not None:
            return table
    return []


def _from_html(content: str) -> Iterator[Table]:
    """Innermost tables; a table of the layout has no headings and is left out by its reader."""
    for table in BeautifulSoup(content, "html.parser").find_all("table"):
        if table.find("table") is None:
            yield [
                [" ".join(cell.get_text(" ").split())[:_CELL] for cell in row.find_all(["td", "th"])]
                for row in table.find_all("tr")
            ]


def _why_nothing(letter: EmailMessage, tables: Sequence[tuple[str, Table]]) -> str:
    names = [(part.get_filename() or "").lower() for part in letter.walk()]
    if any(name.endswith(_SPREADSHEETS) for name in names):
        return "a spreadsheet is attached, and only CSV and HTML tables are read"
    return "no table has the headings of date, event, tickets and revenue" if tables else "it has no table"


def _unparsed(what: str) -> Permanent:
    return Permanent(f"the letter cannot be read: {what}", code=LoadCode.MAIL_UNPARSED)
