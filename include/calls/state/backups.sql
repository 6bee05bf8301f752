-- Backups that were made, and what verifying them showed.

-- name: record_made!
-- A backup that is whole in its place; recorded once.
INSERT INTO backups (backup_id, reason, made_at, bytes, seconds)
VALUES (:backup_id, :reason, :made_at, :bytes, :seconds)
ON CONFLICT (backup_id) DO NOTHING;

-- name: record_verified!
-- The backup was restored into a scratch database and compared; how many seconds that took.
UPDATE backups SET verified_at = now(), restore_seconds = :restore_seconds WHERE backup_id = :backup_id;

-- name: forget!
-- Backups that the rotation has deleted from their place.
DELETE FROM backups WHERE backup_id = ANY(:backup_ids);
