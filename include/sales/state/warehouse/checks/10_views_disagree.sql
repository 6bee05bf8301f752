-- Days whose sales in the view are not those of the tickets: a join has multiplied rows or lost some.
SELECT 'qtickets' AS source, '' AS account, count() AS times, toString(min(d)) AS example
FROM (
    SELECT d
    FROM (
        SELECT d, toDecimal128(net_revenue, 2) AS money FROM v_sales_daily WHERE source = 'api'
        UNION ALL
        SELECT assumeNotNull(sale_date), -toDecimal128(price * quantity, 2) FROM stg_qtickets_tickets FINAL
        WHERE sale_date IS NOT NULL AND deleted_at IS NULL
        UNION ALL
        SELECT assumeNotNull(refund_date), toDecimal128(refunded_amount, 2) FROM stg_qtickets_tickets FINAL
        WHERE sale_date IS NOT NULL AND refund_date IS NOT NULL AND deleted_at IS NULL
    )
    WHERE d >= toDate(now('{timezone}')) - {recent_days:UInt32} AND d < toDate(now('{timezone}'))
    GROUP BY d
    HAVING sum(money) != 0
)
HAVING times > 0
