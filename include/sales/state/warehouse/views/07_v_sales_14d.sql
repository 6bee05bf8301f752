-- Rubles of the last 14 days.
CREATE OR REPLACE VIEW v_sales_14d DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT s.d AS d, sum(s.tickets) AS tickets, sum(s.net_revenue) AS net_revenue
FROM v_sales_daily AS s
WHERE s.currency = 'RUB' AND s.d > toDate(now('{timezone}')) - 14 AND s.d <= toDate(now('{timezone}'))
GROUP BY d
ORDER BY d
