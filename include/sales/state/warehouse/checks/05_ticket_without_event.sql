-- Sold tickets of events that are not known: in the views they have no name and no city.
SELECT 'qtickets' AS source, '' AS account, count() AS times, concat('event ', toString(any(event_id))) AS example
FROM stg_qtickets_tickets FINAL
WHERE sale_date >= toDate(now('{timezone}')) - {recent_days:UInt32} AND deleted_at IS NULL
    AND event_id NOT IN (SELECT event_id FROM dim_events FINAL)
HAVING times >= {odd_rows:UInt32}
