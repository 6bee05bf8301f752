CREATE TABLE IF NOT EXISTS stg_mail_sales (
    msg_id String,
    row_no UInt16,
    msg_received_at DateTime('UTC'),
    event_date Date,
    event_id UInt64,
    event_name String,
    city String,
    tickets_sold Int32,
    revenue Decimal(18, 2),
    refunds Decimal(18, 2),
    currency LowCardinality(String),
    row_hash FixedString(64),
    parser LowCardinality(String),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(msg_received_at)
ORDER BY (msg_id, row_no)
TTL toDate(msg_received_at) + INTERVAL 400 DAY
