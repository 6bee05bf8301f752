-- Totals to date by event date. A letter that is newer than the API replaces the total of its event, it never adds.
CREATE OR REPLACE VIEW v_sales_latest DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    event_date, city, event_name, currency,
    if(m.seen_at > toDateTime(0, 'UTC'), m.event_id, a.event_id) AS event_id,
    if(m.seen_at > toDateTime(0, 'UTC'), m.tickets_sold, a.tickets_sold) AS tickets_sold,
    if(m.seen_at > toDateTime(0, 'UTC'), m.revenue, a.revenue) AS revenue,
    if(m.seen_at > toDateTime(0, 'UTC'), m.refunds, a.refunds) AS refunds,
    if(m.seen_at > toDateTime(0, 'UTC'), 'mail', 'api') AS source
FROM v_sales_api AS a
FULL JOIN v_mail_extra AS m USING (event_date, city, event_name, currency)
