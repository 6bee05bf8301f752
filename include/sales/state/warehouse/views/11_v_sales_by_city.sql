-- The last 30 days by city.
CREATE OR REPLACE VIEW v_sales_by_city DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT s.city AS city, s.currency AS currency, sum(s.tickets) AS tickets, sum(s.net_revenue) AS net_revenue
FROM v_sales_daily AS s
WHERE s.d > toDate(now('{timezone}')) - 30 AND s.d <= toDate(now('{timezone}'))
GROUP BY city, currency
