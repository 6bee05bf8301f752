-- Freshness is what a load has covered, not the newest date of a table: future events and days without sales change nothing.
CREATE OR REPLACE VIEW v_data_freshness DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    source,
    nullIf(max(c.day), toDate(0)) AS latest_date,
    if(max(c.day) = toDate(0), 9999, greatest(0, dateDiff('day', max(c.day), toDate(now('{timezone}'))))) AS days_behind,
    sum(c.rows) AS total_rows,
    nullIf(argMax(c.covered_until, (c.day, c.covered_until)), toDateTime(0, 'UTC')) AS covered_until
FROM (SELECT arrayJoin(['qtickets_sales', 'vk_ads', 'direct']) AS source) AS s
LEFT JOIN (
    SELECT if(source = 'qtickets', 'qtickets_sales', source) AS source, day, rows, covered_until
    FROM load_coverage FINAL WHERE stream IN ('orders', 'stats')
) AS c USING (source)
GROUP BY source
