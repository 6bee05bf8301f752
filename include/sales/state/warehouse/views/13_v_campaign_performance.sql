-- What each campaign cost and brought, of all time.
CREATE OR REPLACE VIEW v_campaign_performance DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    utm_source, utm_campaign, utm_city,
    sum(days.impressions) AS impressions, sum(days.clicks) AS clicks,
    sum(days.spend) AS spend, sum(days.revenue) AS revenue,
    if(sum(days.impressions) > 0, sum(days.clicks) / sum(days.impressions), NULL) AS ctr,
    if(sum(days.clicks) > 0, toFloat64(sum(days.spend)) / sum(days.clicks), NULL) AS cpc,
    if(sum(days.spend) > 0, toFloat64(sum(days.revenue)) / toFloat64(sum(days.spend)), NULL) AS romi
FROM v_campaign_daily AS days
GROUP BY utm_source, utm_campaign, utm_city
