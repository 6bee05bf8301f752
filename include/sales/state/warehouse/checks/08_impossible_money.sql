-- Tickets with a negative price, or with more returned than was paid.
SELECT 'qtickets' AS source, '' AS account, count() AS times, concat('order ', toString(any(order_id))) AS example
FROM stg_qtickets_tickets FINAL
WHERE (price < 0 OR refunded_amount < 0 OR refunded_amount > price * quantity)
    AND greatest(ifNull(sale_date, toDate(0)), ifNull(refund_date, toDate(0)))
        >= toDate(now('{timezone}')) - {recent_days:UInt32}
HAVING times >= {odd_rows:UInt32}
