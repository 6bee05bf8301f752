-- The newest letter about each event, while it is newer than what the API has answered. A row of coverage says that of
-- the API only if its day is the day of `covered_until`: a past day read again says nothing of today.
CREATE OR REPLACE VIEW v_mail_extra DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    event_date, city, event_name, currency,
    argMax(letters.event_id, (letters.msg_received_at, letters.row_no)) AS event_id,
    toInt64(argMax(letters.tickets_sold, (letters.msg_received_at, letters.row_no))) AS tickets_sold,
    toDecimal128(argMax(letters.revenue, (letters.msg_received_at, letters.row_no)), 2) AS revenue,
    toDecimal128(argMax(letters.refunds, (letters.msg_received_at, letters.row_no)), 2) AS refunds,
    max(letters.msg_received_at) AS seen_at
FROM (SELECT * FROM stg_mail_sales FINAL) AS letters
WHERE letters.msg_received_at > (
    SELECT max(covered_until) FROM load_coverage FINAL
    WHERE source = 'qtickets' AND stream = 'orders' AND day >= toDate(covered_until, '{timezone}')
)
GROUP BY event_date, city, event_name, currency
