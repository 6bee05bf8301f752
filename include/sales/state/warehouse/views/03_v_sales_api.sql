-- Totals to date of each event by the API alone.
CREATE OR REPLACE VIEW v_sales_api DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    event_date, city, event_name, currency,
    any(sums.event_id) AS event_id,
    toInt64(sumIf(sums.tickets, sums.refund_date IS NULL)) AS tickets_sold,
    sum(sums.revenue) AS revenue,
    sum(sums.refunds) AS refunds
FROM v_ticket_sums AS sums
GROUP BY event_date, city, event_name, currency
