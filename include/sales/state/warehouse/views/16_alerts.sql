-- Alerts, each once.
CREATE OR REPLACE VIEW alerts DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    alert_id, created_at, job, alert_type, code, title, message, details, occurrences, last_seen_at, resolved_at,
    acknowledged, acknowledged_at, acknowledged_by
FROM alerts_log FINAL
