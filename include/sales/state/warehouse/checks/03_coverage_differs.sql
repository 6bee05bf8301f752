-- Days of ads whose rows or money are not those that their load has counted; a day that is being written is left out.
SELECT
    source, account, count() AS times,
    concat(toString(min(c.day)), ': ', toString(argMin(f.money, c.day)), ' / ', toString(argMin(c.amount, c.day))) AS example
FROM (
    SELECT source, account, day, rows, amount, _ver AS loaded
    FROM load_coverage FINAL
    WHERE stream = 'stats' AND day >= toDate(now('{timezone}')) - {recent_days:UInt32}
) AS c
LEFT JOIN (
    SELECT 'vk_ads' AS source, toString(account_id) AS account, stat_date AS day, count() AS n, sum(spent) AS money
    FROM fact_vk_ads_daily FINAL
    WHERE stat_date >= toDate(now('{timezone}')) - {recent_days:UInt32} GROUP BY account, day
    UNION ALL
    SELECT 'direct', account_login, stat_date, count(), sum(cost)
    FROM fact_direct_daily FINAL
    WHERE stat_date >= toDate(now('{timezone}')) - {recent_days:UInt32} GROUP BY account_login, stat_date
) AS f USING (source, account, day)
LEFT JOIN (
    SELECT 'vk_ads' AS source, toString(account_id) AS account, stat_date AS day, max(_ver) AS written
    FROM fact_vk_ads_daily
    WHERE stat_date >= toDate(now('{timezone}')) - {recent_days:UInt32} GROUP BY account, day
    UNION ALL
    SELECT 'direct', account_login, stat_date, max(_ver) FROM fact_direct_daily
    WHERE stat_date >= toDate(now('{timezone}')) - {recent_days:UInt32} GROUP BY account_login, stat_date
) AS w USING (source, account, day)
WHERE w.written <= c.loaded AND (f.n != c.rows OR f.money != c.amount)
GROUP BY source, account
