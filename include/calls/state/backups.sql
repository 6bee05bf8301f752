-- Backups that were made, and what verifying them showed.

-- name: record_made!
INSERT INTO backups (backup_id, reason, made_at, bytes, seconds)
VALUES (:backup_id, :reason, :made_at, :bytes, :seconds)
ON CONFLICT (backup_id) DO NOTHING;

-- name: record_verified!
UPDATE backups SET verified_at = now(), restore_seconds = :restore_seconds WHERE backup_id = :backup_id;

-- name: forget!
DELETE FROM backups WHERE backup_id = ANY(:backup_ids);
