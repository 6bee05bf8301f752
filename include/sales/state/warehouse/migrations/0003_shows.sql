CREATE TABLE IF NOT EXISTS dim_shows (
    show_id UInt64,
    event_id UInt64,
    starts_at Nullable(DateTime('UTC')),
    local_date Date,
    utc_offset_min Int16,
    is_active UInt8,
    deleted_at Nullable(DateTime('UTC')),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
ORDER BY show_id
