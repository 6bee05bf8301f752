-- The last 30 days with the customer's thresholds.
CREATE OR REPLACE VIEW v_romi_kpi DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, net_revenue, spend_total, romi,
    multiIf(romi IS NULL, 'red', romi > 1.5, 'green', romi >= 1, 'yellow', 'red') AS romi_status
FROM v_marketing_daily
WHERE d > toDate(now('{timezone}')) - 30
