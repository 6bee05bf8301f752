-- Sold tickets of shows that are not known: in the views their event is on the day of the sale.
SELECT 'qtickets' AS source, '' AS account, count() AS times, concat('show ', toString(any(show_id))) AS example
FROM stg_qtickets_tickets FINAL
WHERE sale_date >= toDate(now('{timezone}')) - {recent_days:UInt32} AND deleted_at IS NULL AND show_id != 0
    AND show_id NOT IN (SELECT show_id FROM dim_shows FINAL)
HAVING times >= {odd_rows:UInt32}
