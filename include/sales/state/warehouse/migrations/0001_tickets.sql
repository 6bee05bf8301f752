-- One row a ticket. Versions merge inside a partition only, so the partition is by what a source never changes.
CREATE TABLE IF NOT EXISTS stg_qtickets_tickets (
    order_id UInt64,
    basket_id UInt64,
    event_id UInt64,
    show_id UInt64,
    order_created_at DateTime('UTC'),
    order_updated_at DateTime('UTC'),
    payed_at Nullable(DateTime('UTC')),
    refunded_at Nullable(DateTime('UTC')),
    deleted_at Nullable(DateTime('UTC')),
    sale_date Nullable(Date),
    refund_date Nullable(Date),
    quantity UInt16,
    price Decimal(18, 2),
    original_price Decimal(18, 2),
    refunded_amount Decimal(18, 2),
    refund_assumed UInt8,
    price_mismatch UInt8,
    currency LowCardinality(String),
    payment_type LowCardinality(String),
    promo_code_id UInt64,
    utm_source String,
    utm_medium String,
    utm_campaign String,
    utm_content String,
    utm_term String,
    utm_city_raw String,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(order_created_at)
ORDER BY (order_id, basket_id)
