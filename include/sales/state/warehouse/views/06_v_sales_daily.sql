-- Sales by the day of sale; a refund is a negative row on the day of the refund. Without a letter the right side of the
-- join is empty, and the left one is not read.
CREATE OR REPLACE VIEW v_sales_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, event_id, event_name, city, currency, source,
    sum(tk) AS tickets, sum(rv) AS revenue, sum(rf) AS refunds, sum(rv) - sum(rf) AS net_revenue
FROM (
    SELECT
        if(is_refund, assumeNotNull(refund_date), sale_date) AS d, event_id, event_name, city, currency,
        'api' AS source, if(is_refund, -tickets, tickets) AS tk,
        if(is_refund, toDecimal128(0, 2), revenue) AS rv, if(is_refund, refunds, toDecimal128(0, 2)) AS rf
    FROM v_ticket_sums
    ARRAY JOIN if(refund_date IS NULL, [0], [0, 1]) AS is_refund
    UNION ALL
    SELECT
        toDate(m.seen_at, '{timezone}'), m.event_id, m.event_name, m.city, m.currency, 'mail',
        m.tickets_sold - a.tickets_sold, m.revenue - a.revenue, m.refunds - a.refunds
    FROM v_sales_api AS a
    RIGHT JOIN v_mail_extra AS m USING (event_date, city, event_name, currency)
)
GROUP BY d, event_id, event_name, city, currency, source
