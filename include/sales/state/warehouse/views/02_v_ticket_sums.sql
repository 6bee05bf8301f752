-- Sold tickets added up by all that the views of sales tell apart: names are joined to the sums, not to each ticket.
CREATE OR REPLACE VIEW v_ticket_sums DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    t.sold_on AS sale_date, t.refund_date AS refund_date, t.event_id AS event_id, t.currency AS currency,
    if(s.local_date = toDate(0), t.sold_on, s.local_date) AS event_date,
    if(e.name = '', concat('event:', toString(t.event_id)), e.name) AS event_name,
    if(e.city = '', 'неизвестно', e.city) AS city,
    t.tk AS tickets, t.rv AS revenue, t.rf AS refunds
FROM (
    SELECT
        assumeNotNull(sale_date) AS sold_on, refund_date, event_id, show_id, currency,
        sum(toInt64(quantity)) AS tk, sum(toDecimal128(price * quantity, 2)) AS rv,
        sum(toDecimal128(refunded_amount, 2)) AS rf
    FROM stg_qtickets_tickets FINAL
    WHERE sale_date IS NOT NULL AND deleted_at IS NULL
    GROUP BY sold_on, refund_date, event_id, show_id, currency
) AS t
LEFT JOIN dim_shows AS s FINAL ON s.show_id = t.show_id
LEFT JOIN dim_events AS e FINAL ON e.event_id = t.event_id
