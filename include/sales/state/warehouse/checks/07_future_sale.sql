-- Tickets that were ordered, paid or returned later than now: a clock or an offset is wrong.
SELECT 'qtickets' AS source, '' AS account, count() AS times, concat('order ', toString(any(order_id))) AS example
FROM stg_qtickets_tickets FINAL
WHERE greatest(order_created_at, ifNull(payed_at, order_created_at), ifNull(refunded_at, order_created_at))
    > now('UTC') + INTERVAL 1 HOUR
HAVING times >= {odd_rows:UInt32}
