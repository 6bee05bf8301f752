-- Totals to date of each event by the API alone.
CREATE OR REPLACE VIEW v_sales_api DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    event_date, city, event_name, currency,
    any(tickets.event_id) AS event_id,
    toInt64(sum(tickets.quantity * (tickets.refund_date IS NULL))) AS tickets_sold,
    toDecimal128(sum(tickets.price * tickets.quantity), 2) AS revenue,
    toDecimal128(sum(tickets.refunded_amount), 2) AS refunds
FROM v_tickets AS tickets
GROUP BY event_date, city, event_name, currency
