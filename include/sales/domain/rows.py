"""Rows of the warehouse's tables, field for field in the order of their columns.

The writer appends the two columns that every table has: `_ver`, the load number, and `_deleted`. Instants are UTC,
business days are calendar days of SALES_TIMEZONE, money has two places. No row has a buyer's name, e-mail or phone.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Table(StrEnum):
    """The tables that loads write."""

    TICKETS = "stg_qtickets_tickets"
    EVENTS = "dim_events"
    SHOWS = "dim_shows"
    VK_ADS_DAILY = "fact_vk_ads_daily"
    DIRECT_DAILY = "fact_direct_daily"
    ADS = "dim_ads"
    CITY_ALIASES = "dim_city_alias"
    MAIL_SALES = "stg_mail_sales"
    INVENTORY = "fact_qtickets_inventory"
    COVERAGE = "load_coverage"


class Ticket(NamedTuple):
    """One ticket of an order. `sale_date` is None while the order is unpaid.

    `price` is what was paid for one piece after discounts. `refund_assumed` is 1 where the source names a refund
    without its amount, `price_mismatch` where neither reading of the price adds up to the order's total.
    """

    order_id: int
    basket_id: int
    event_id: int
    show_id: int
    order_created_at: datetime
    order_updated_at: datetime
    payed_at: datetime | None
    refunded_at: datetime | None
    deleted_at: datetime | None
    sale_date: date | None
    refund_date: date | None
    quantity: int
    price: Decimal
    original_price: Decimal
    refunded_amount: Decimal
    refund_assumed: int
    price_mismatch: int
    currency: str
    payment_type: str
    promo_code_id: int
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    utm_term: str
    utm_city_raw: str


class Event(NamedTuple):
    """An event that is sold; `city` is `city:<id>` where the policy does not know the city's number."""

    event_id: int
    name: str
    city_id: int
    city: str
    place_name: str
    currency: str
    is_active: int
    deleted_at: datetime | None


class Show(NamedTuple):
    """One date of an event. `local_date` is the day at the event's own offset from UTC."""

    show_id: int
    event_id: int
    starts_at: datetime | None
    local_date: date
    utc_offset_min: int
    is_active: int
    deleted_at: datetime | None


class VkAdsDay(NamedTuple):
    """What one ad did on one day. `campaign_id` is the source's `ad_plan_id`, `ad_id` its banner.

    `campaign_id` and `ad_id` 0 hold what the account's total has and its ads have not.
    """

    stat_date: date
    account_id: int
    campaign_id: int
    ad_group_id: int
    ad_id: int
    impressions: int
    clicks: int
    spent: Decimal
    currency: str
    vat_included: int
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    utm_term: str
    utm_city_raw: str
    utm_day: int
    utm_month: int
    source_api: str


class DirectDay(NamedTuple):
    """What one ad did on one day; `ad_group_id` and `ad_id` are 0 where the report has none."""

    stat_date: date
    account_login: str
    campaign_id: int
    ad_group_id: int
    ad_id: int
    impressions: int
    clicks: int
    cost: Decimal
    currency: str
    vat_included: int
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    utm_term: str
    utm_city_raw: str
    utm_day: int
    utm_month: int


class Ad(NamedTuple):
    """An ad with its link: the query is kept, the fragment is cut. `updated_at` is the instant of the load."""

    platform: str
    account: str
    ad_id: int
    campaign_id: int
    ad_group_id: int
    campaign_name: str
    ad_group_name: str
    ad_name: str
    href: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_content: str
    utm_term: str
    status: str
    updated_at: datetime


class CityAlias(NamedTuple):
    """A spelling of a city in `utm_content`, lower case, and the city's name."""

    alias: str
    city: str


class MailSale(NamedTuple):
    """One event of a letter: what was sold of it until `msg_received_at`. `row_hash` is 64 hexadecimal digits."""

    msg_id: str
    row_no: int
    msg_received_at: datetime
    event_date: date
    event_id: int
    event_name: str
    city: str
    tickets_sold: int
    revenue: Decimal
    refunds: Decimal
    currency: str
    row_hash: str
    parser: str


class Inventory(NamedTuple):
    """Places of a show at one instant."""

    show_id: int
    snapshot_at: datetime
    event_id: int
    max_quantity: int
    free_quantity: int
    ordered_quantity: int


class Coverage(NamedTuple):
    """A day of a source's account that is known to be complete until `covered_until`."""

    source: str
    stream: str
    account: str
    day: date
    covered_until: datetime
    rows: int
    amount: Decimal
    loaded_at: datetime


Row = Ticket | Event | Show | VkAdsDay | DirectDay | Ad | CityAlias | MailSale | Inventory | Coverage

ROW_OF: dict[Table, type[Row]] = {
    Table.TICKETS: Ticket,
    Table.EVENTS: Event,
    Table.SHOWS: Show,
    Table.VK_ADS_DAILY: VkAdsDay,
    Table.DIRECT_DAILY: DirectDay,
    Table.ADS: Ad,
    Table.CITY_ALIASES: CityAlias,
    Table.MAIL_SALES: MailSale,
    Table.INVENTORY: Inventory,
    Table.COVERAGE: Coverage,
}
