-- A copy of sales.alerts of PostgreSQL; `_ver` is the revision of the row there.
CREATE TABLE IF NOT EXISTS alerts_log (
    alert_id UInt64,
    created_at DateTime('UTC'),
    job LowCardinality(String),
    alert_type LowCardinality(String),
    code LowCardinality(String),
    title String,
    message String,
    details String,
    occurrences UInt32,
    last_seen_at DateTime('UTC'),
    resolved_at Nullable(DateTime('UTC')),
    acknowledged UInt8,
    acknowledged_at Nullable(DateTime('UTC')),
    acknowledged_by String,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(created_at)
ORDER BY alert_id
