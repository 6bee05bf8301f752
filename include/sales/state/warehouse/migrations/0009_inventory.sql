CREATE TABLE IF NOT EXISTS fact_qtickets_inventory (
    show_id UInt64,
    snapshot_at DateTime('UTC'),
    event_id UInt64,
    max_quantity UInt32,
    free_quantity UInt32,
    ordered_quantity UInt32,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(snapshot_at)
ORDER BY (show_id, snapshot_at)
TTL toDate(snapshot_at) + INTERVAL 400 DAY
