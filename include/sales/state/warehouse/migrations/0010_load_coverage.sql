-- What is known to be complete, and until when.
CREATE TABLE IF NOT EXISTS load_coverage (
    source LowCardinality(String),
    stream LowCardinality(String),
    account String,
    day Date,
    covered_until DateTime('UTC'),
    rows UInt64,
    amount Decimal(18, 2),
    loaded_at DateTime('UTC'),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
ORDER BY (source, stream, account, day)
