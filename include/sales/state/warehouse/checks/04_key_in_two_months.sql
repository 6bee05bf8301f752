-- Tickets that lie in two partitions: versions merge only inside one, so after a merge both would be counted.
SELECT 'qtickets' AS source, '' AS account, count() AS times, concat('order ', toString(any(order_id))) AS example
FROM (
    SELECT order_id
    FROM stg_qtickets_tickets
    GROUP BY order_id, basket_id
    HAVING min(toYYYYMM(order_created_at)) != max(toYYYYMM(order_created_at))
    SETTINGS optimize_aggregation_in_order = 1
)
HAVING times > 0
