-- Net revenue beside spend. Divided as Float64: a division of Decimals raises on zero.
CREATE OR REPLACE VIEW v_marketing_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, sum(n) AS net_revenue, sum(s) AS spend_total,
    if(sum(s) > 0, toFloat64(sum(n)) / toFloat64(sum(s)), NULL) AS romi
FROM (
    SELECT d, net_revenue AS n, toDecimal128(0, 2) AS s FROM v_sales_daily WHERE currency = 'RUB'
    UNION ALL
    SELECT d, toDecimal128(0, 2), toDecimal128(spend, 2) FROM v_ad_spend_daily WHERE currency = 'RUB'
)
GROUP BY d
ORDER BY d
