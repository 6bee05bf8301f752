-- Tickets that were sold, one row each, with what their event and show are called.
CREATE OR REPLACE VIEW v_tickets DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    t.order_id AS order_id, t.basket_id AS basket_id, t.event_id AS event_id, t.show_id AS show_id,
    assumeNotNull(t.sale_date) AS sale_date, t.refund_date AS refund_date,
    t.quantity AS quantity, t.price AS price, t.original_price AS original_price,
    t.refunded_amount AS refunded_amount, t.refund_assumed AS refund_assumed, t.price_mismatch AS price_mismatch,
    t.currency AS currency, t.payment_type AS payment_type, t.promo_code_id AS promo_code_id,
    t.utm_source AS utm_source, t.utm_medium AS utm_medium, t.utm_campaign AS utm_campaign,
    t.utm_content AS utm_content, t.utm_term AS utm_term, if(a.city = '', t.utm_city_raw, a.city) AS utm_city,
    if(s.local_date = toDate(0), assumeNotNull(t.sale_date), s.local_date) AS event_date,
    if(e.name = '', concat('event:', toString(t.event_id)), e.name) AS event_name,
    if(e.city = '', 'неизвестно', e.city) AS city
FROM stg_qtickets_tickets AS t FINAL
LEFT JOIN dim_shows AS s FINAL ON s.show_id = t.show_id
LEFT JOIN dim_events AS e FINAL ON e.event_id = t.event_id
LEFT JOIN dim_city_alias AS a FINAL ON a.alias = t.utm_city_raw
WHERE t.sale_date IS NOT NULL AND t.deleted_at IS NULL
