CREATE TABLE IF NOT EXISTS dim_events (
    event_id UInt64,
    name String,
    city_id UInt32,
    city LowCardinality(String),
    place_name String,
    currency LowCardinality(String),
    is_active UInt8,
    deleted_at Nullable(DateTime('UTC')),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
ORDER BY event_id
