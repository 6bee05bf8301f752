-- Alerts: each trouble once while it lasts.

-- name: see
-- Opens the alert, or counts one more occurrence of the open one; a graver type than before worsens it.
INSERT INTO sales.alerts AS alert (fingerprint, job, alert_type, code, source, account, message, details)
VALUES (:fingerprint, :job, :alert_type, :code, :source, :account, :message, :details)
ON CONFLICT (fingerprint) WHERE resolved_at IS NULL DO UPDATE
SET occurrences = alert.occurrences + 1, last_seen_at = clock_timestamp(), message = excluded.message,
    details = excluded.details, revision = alert.revision + 1,
    alert_type = CASE WHEN array_position(ARRAY['info', 'warning', 'error'], excluded.alert_type)
                           > array_position(ARRAY['info', 'warning', 'error'], alert.alert_type)
                      THEN excluded.alert_type ELSE alert.alert_type END
RETURNING alert_id;

-- name: resolve!
UPDATE sales.alerts SET resolved_at = clock_timestamp(), revision = revision + 1
WHERE fingerprint = :fingerprint AND resolved_at IS NULL;

-- name: acknowledge!
UPDATE sales.alerts SET acknowledged_at = clock_timestamp(), acknowledged_by = :by, revision = revision + 1
WHERE alert_id = :alert_id AND acknowledged_at IS NULL;

-- name: open_alerts
SELECT alert_id, fingerprint, created_at, job, alert_type, code, source, account, message, details, occurrences,
       last_seen_at, notified_at, notified_type, resolved_at, acknowledged_at, acknowledged_by, revision
FROM sales.alerts WHERE resolved_at IS NULL ORDER BY created_at;

-- name: due
-- New ones, worse ones, those without a reminder for `remind_hours`, and those that were notified and are over.
SELECT alert_id, fingerprint, created_at, job, alert_type, code, source, account, message, details, occurrences,
       last_seen_at, notified_at, notified_type, resolved_at, acknowledged_at, acknowledged_by, revision
FROM sales.alerts
WHERE (resolved_at IS NULL AND (notified_at IS NULL OR notified_type <> alert_type
       OR (acknowledged_at IS NULL AND notified_at < clock_timestamp() - make_interval(hours => :remind_hours))))
   OR (resolved_at IS NOT NULL AND notified_at IS NOT NULL AND resolution_notified_at IS NULL)
ORDER BY resolved_at IS NOT NULL, created_at;

-- name: notified!
UPDATE sales.alerts SET
    notified_at = CASE WHEN resolved_at IS NULL THEN clock_timestamp() ELSE notified_at END,
    notified_type = CASE WHEN resolved_at IS NULL THEN alert_type ELSE notified_type END,
    resolution_notified_at = CASE WHEN resolved_at IS NULL THEN NULL ELSE clock_timestamp() END
WHERE alert_id = ANY(:alert_ids);

-- name: uncopied
SELECT alert_id, fingerprint, created_at, job, alert_type, code, source, account, message, details, occurrences,
       last_seen_at, notified_at, notified_type, resolved_at, acknowledged_at, acknowledged_by, revision
FROM sales.alerts WHERE copied < revision ORDER BY alert_id LIMIT 5000;

-- name: copied!
UPDATE sales.alerts SET copied = :revision WHERE alert_id = :alert_id AND copied < :revision;
