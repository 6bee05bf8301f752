-- What each ad cost on each day.
CREATE OR REPLACE VIEW v_ad_spend_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    d, source, account, campaign_id, ad_group_id, ad_id, impressions, clicks, spend, currency, vat_included,
    utm_source, utm_medium, utm_campaign, utm_content, if(c.city = '', utm_city_raw, c.city) AS utm_city
FROM (
    SELECT
        stat_date AS d, 'vk_ads' AS source, toString(account_id) AS account, campaign_id, ad_group_id, ad_id,
        impressions, clicks, spent AS spend, currency, vat_included,
        utm_source, utm_medium, utm_campaign, utm_content, utm_city_raw
    FROM fact_vk_ads_daily FINAL
    UNION ALL
    SELECT
        stat_date, 'direct', account_login, campaign_id, ad_group_id, ad_id,
        impressions, clicks, cost, currency, vat_included,
        utm_source, utm_medium, utm_campaign, utm_content, utm_city_raw
    FROM fact_direct_daily FINAL
) AS f
LEFT JOIN dim_city_alias AS c FINAL ON c.alias = f.utm_city_raw
