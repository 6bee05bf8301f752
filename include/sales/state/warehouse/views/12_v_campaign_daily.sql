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
        t.sold_on, t.utm_source, t.utm_campaign, if(a.city = '', t.utm_city_raw, a.city), 0, 0, toDecimal128(0, 2),
        t.left_sold, t.net
    FROM (
        SELECT
            assumeNotNull(sale_date) AS sold_on, utm_source, utm_campaign, utm_city_raw,
            sumIf(toInt64(quantity), refund_date IS NULL) AS left_sold,
            sum(toDecimal128(price * quantity - refunded_amount, 2)) AS net
        FROM stg_qtickets_tickets FINAL
        WHERE sale_date IS NOT NULL AND deleted_at IS NULL AND currency = 'RUB'
        GROUP BY sold_on, utm_source, utm_campaign, utm_city_raw
    ) AS t
    LEFT JOIN dim_city_alias AS a FINAL ON a.alias = t.utm_city_raw
)
GROUP BY d, utm_source, utm_campaign, utm_city
