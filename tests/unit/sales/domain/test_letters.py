"""A letter is read whole or refused; who signed it is Google's word alone."""

from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.common.errors import LoadCode, Permanent
from include.sales.domain.letter_trust import is_trusted
from include.sales.domain.letters import HEADINGS, KnownEvent, matched, opened, plain_name, sales_of
from include.sales.domain.rows import MailSale
from include.sales.policy import load_cities
from simulators.gmail.letters import letter

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
ROW = ["28.11.2026", "Всего понемногу", "мск", "3", "4 500 $", ""]


def sold(raw: bytes, most_rows: int = 100) -> list[MailSale]:
    return sales_of(opened(raw), "m1", NOW, cities=load_cities(), currency="RUB", most_rows=most_rows)


def test_an_event_may_be_called_total() -> None:
    (row,) = sold(letter([ROW, ["Итого:", "", "", "3", "4 500", ""]], NOW))
    assert (row.event_name, row.city, row.currency) == ("Всего понемногу", "Москва", "USD")
    assert len(row.row_hash) == 64


def test_contacts_in_names_are_hidden() -> None:
    (row,) = sold(letter([["28.11.2026", "Концерт, звоните +7 910 000-00-17", "Москва", "1", "1", "0"]], NOW))
    assert "910" not in row.event_name


def test_too_many_rows_refuse_the_letter() -> None:
    with pytest.raises(Permanent) as refused:
        sold(letter([ROW] * 5, NOW), most_rows=4)
    assert refused.value.code == LoadCode.MAIL_UNPARSED


def test_no_heading_means_two_columns() -> None:
    spellings = [spelling for group in HEADINGS.values() for spelling in group]
    assert len(spellings) == len(set(spellings))


def test_a_refusal_quotes_nothing_of_the_letter() -> None:
    with pytest.raises(Permanent) as refused:
        sold(letter([["28.11.2026", "Тайное имя", "Москва", "тайна", "1", "0"]], NOW))
    assert "тайн" not in str(refused.value).lower()


def test_an_event_is_known_by_its_number_or_by_name_day_and_city() -> None:
    known = [
        KnownEvent(1, "Ёлка: «Чудо»", "Москва", date(2026, 11, 28)),
        KnownEvent(2, "Ёлка. Чудо", "Казань", date(2026, 11, 28)),
    ]
    by_day = {(date(2026, 11, 28), plain_name("елка чудо")): known}
    by_id = {one.event_id: one for one in known}
    (row,) = sold(letter([["28.11.2026", "Елка чудо", "moskva", "1", "1", "0"]], NOW))
    assert matched(row, by_day, by_id) == row._replace(event_id=1, event_name="Ёлка: «Чудо»")
    assert matched(row._replace(city=""), by_day, by_id) is None, "two events fit"
    assert matched(row._replace(event_name="x", event_id=2), by_day, by_id) is not None
    assert matched(row._replace(event_date=date(2026, 11, 29)), by_day, by_id) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_letter_that_is_refused(raw: bytes) -> None:
    with pytest.raises(Permanent):
        sold(raw)


@given(st.text(max_size=200))
def test_no_text_is_trusted_that_google_did_not_write(text: str) -> None:
    """Unless it begins with Google's name, which only Google's servers write at the top."""
    made = EmailMessage()
    try:
        made["Authentication-Results"] = text
    except ValueError:
        return
    if not text.strip().startswith("mx.google.com"):
        assert not is_trusted(made, ["qtickets.ru"])


@pytest.mark.parametrize(
    ("results", "trusted"),
    [
        ("mx.google.com; dkim=pass header.i=@qtickets.ru header.s=a", True),
        ("mx.google.com;\r\n dkim=pass header.d=mail.qtickets.ru", True),
        ("mx.google.com; dkim=fail header.i=@a.ru; dkim=pass header.i=@qtickets.ru", True),
        ("mx.google.com; dkim=pass header.i=@evilqtickets.ru", False),
        ('mx.google.com; dkim=pass reason="header.i=@qtickets.ru" header.i=@evil.ru', False),
        ("mx.google.com; dkim=neutral header.i=@qtickets.ru", False),
        ("mx.google.com; spf=pass smtp.mailfrom=a@qtickets.ru; dmarc=pass header.from=qtickets.ru", False),
        ("mx.google.com; dkim=pass header.i=@qtickets.ru header.d=evil.ru", False),
    ],
)
def test_a_signature_counts_if_it_passed_and_is_of_a_listed_domain(results: str, trusted: bool) -> None:
    assert is_trusted(opened(b"Authentication-Results: " + results.encode() + b"\r\n\r\nx"), ["qtickets.ru"]) is trusted
