-- A covered yesterday with far fewer tickets than the days before it usually have: the source may have told a part.
SELECT
    'qtickets' AS source, '' AS account, toUInt64(greatest(0, sumIf(sold, d = yesterday))) AS times,
    concat('usually ', toString(quantileExactIf(0.5)(sold, d < yesterday))) AS example
FROM (
    SELECT d, sum(tickets) AS sold, toDate(now('{timezone}')) - 1 AS yesterday
    FROM v_sales_daily
    WHERE source = 'api' AND d <= yesterday AND d >= yesterday - {usual_days:UInt32}
    GROUP BY d
)
HAVING quantileExactIf(0.5)(sold, d < yesterday) >= {usual_tickets:UInt32}
    AND sumIf(sold, d = yesterday) < {fewer_share:Float64} * quantileExactIf(0.5)(sold, d < yesterday)
    AND (SELECT count() FROM load_coverage FINAL WHERE source = 'qtickets' AND stream = 'orders'
         AND day = toDate(now('{timezone}')) - 1) > 0
