-- Sales by the day of sale; a refund is a negative row on the day of the refund.
CREATE OR REPLACE VIEW v_sales_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, event_id, event_name, city, currency, source,
    sum(tk) AS tickets, sum(rv) AS revenue, sum(rf) AS refunds, sum(rv) - sum(rf) AS net_revenue
FROM (
    SELECT
        sale_date AS d, event_id, event_name, city, currency, 'api' AS source,
        toInt64(quantity) AS tk, toDecimal128(price * quantity, 2) AS rv, toDecimal128(0, 2) AS rf
    FROM v_tickets
    UNION ALL
    SELECT
        assumeNotNull(refund_date), event_id, event_name, city, currency, 'api',
        -toInt64(quantity), toDecimal128(0, 2), toDecimal128(refunded_amount, 2)
    FROM v_tickets WHERE refund_date IS NOT NULL
    UNION ALL
    SELECT
        toDate(m.seen_at, '{timezone}'), m.event_id, m.event_name, m.city, m.currency, 'mail',
        m.tickets_sold - a.tickets_sold, m.revenue - a.revenue, m.refunds - a.refunds
    FROM v_mail_extra AS m
    LEFT JOIN v_sales_api AS a USING (event_date, city, event_name, currency)
)
GROUP BY d, event_id, event_name, city, currency, source
