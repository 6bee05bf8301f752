-- Spend and revenue that carry the same marks, by day: spend on its day, revenue on the day of sale.
CREATE OR REPLACE VIEW v_campaign_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, utm_source, utm_campaign, utm_city,
    sum(im) AS impressions, sum(cl) AS clicks, sum(sp) AS spend, sum(tk) AS tickets, sum(rv) AS revenue
FROM (
    SELECT
        d, utm_source, utm_campaign, utm_city, impressions AS im, clicks AS cl, toDecimal128(spend, 2) AS sp,
        toInt64(0) AS tk, toDecimal128(0, 2) AS rv
    FROM v_ad_spend_daily WHERE currency = 'RUB'
    UNION ALL
    SELECT
        sale_date, utm_source, utm_campaign, utm_city, 0, 0, toDecimal128(0, 2),
        toInt64(quantity * (refund_date IS NULL)), toDecimal128(price * quantity - refunded_amount, 2)
    FROM v_tickets WHERE currency = 'RUB'
)
GROUP BY d, utm_source, utm_campaign, utm_city
