CREATE TABLE IF NOT EXISTS dim_city_alias (
    alias String,
    city String,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
ORDER BY alias
