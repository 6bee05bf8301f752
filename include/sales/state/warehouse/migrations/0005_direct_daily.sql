CREATE TABLE IF NOT EXISTS fact_direct_daily (
    stat_date Date,
    account_login String,
    campaign_id UInt64,
    ad_group_id UInt64,
    ad_id UInt64,
    impressions UInt64,
    clicks UInt64,
    cost Decimal(18, 2),
    currency LowCardinality(String),
    vat_included UInt8,
    utm_source String,
    utm_medium String,
    utm_campaign String,
    utm_content String,
    utm_term String,
    utm_city_raw String,
    utm_day UInt8,
    utm_month UInt8,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = ReplacingMergeTree(_ver, _deleted)
PARTITION BY toYYYYMM(stat_date)
ORDER BY (stat_date, account_login, campaign_id, ad_group_id, ad_id)
