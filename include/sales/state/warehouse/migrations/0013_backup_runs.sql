-- A copy of sales.backup_runs of PostgreSQL; `_ver` is the revision of the row there.
CREATE TABLE IF NOT EXISTS backup_runs_log (
    backup String,
    kind LowCardinality(String),
    base String,
    started_at DateTime('UTC'),
    finished_at Nullable(DateTime('UTC')),
    status LowCardinality(String),
    bytes UInt64,
    rows UInt64,
    verified_at Nullable(DateTime('UTC')),
    restore_checked_at Nullable(DateTime('UTC')),
    message String,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY backup
