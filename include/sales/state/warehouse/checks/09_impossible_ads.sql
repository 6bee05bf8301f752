-- Accounts with a negative spend of an ad, or with more clicks than impressions: a click of midnight's is none of them.
SELECT
    source, account, greatest(toUInt64(1), countIf(spend < 0)) AS times,
    concat(toString(sum(clicks)), ' / ', toString(sum(impressions))) AS example
FROM v_ad_spend_daily
WHERE d >= toDate(now('{timezone}')) - {recent_days:UInt32} AND NOT (campaign_id = 0 AND ad_id = 0)
GROUP BY source, account
HAVING countIf(spend < 0) >= {odd_rows:UInt32} OR sum(clicks) > sum(impressions)
