-- A copy of sales.job_runs of PostgreSQL; `_ver` is the revision of the row there.
CREATE TABLE IF NOT EXISTS job_runs_log (
    job LowCardinality(String),
    run_id String,
    started_at DateTime('UTC'),
    finished_at Nullable(DateTime('UTC')),
    status LowCardinality(String),
    rows_processed UInt64,
    message String,
    metrics String,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (job, run_id)
