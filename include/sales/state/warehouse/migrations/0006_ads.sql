CREATE TABLE IF NOT EXISTS dim_ads (
    platform LowCardinality(String),
    account String,
    ad_id UInt64,
    campaign_id UInt64,
    ad_group_id UInt64,
    campaign_name String,
    ad_group_name String,
    ad_name String,
    href String,
    utm_source String,
    utm_medium String,
    utm_campaign String,
    utm_content String,
    utm_term String,
    status LowCardinality(String),
    updated_at DateTime('UTC'),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
ORDER BY (platform, account, ad_id)
