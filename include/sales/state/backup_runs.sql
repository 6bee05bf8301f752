-- Backups of the ClickHouse database.

-- name: begin!
INSERT INTO sales.backup_runs (backup, kind, base, status, manifest)
VALUES (:backup, :kind, :base, 'running', :manifest);

-- name: created!
UPDATE sales.backup_runs SET status = 'created', bytes = :bytes, finished_at = clock_timestamp(), revision = revision + 1
WHERE backup = :backup AND status = 'running';

-- name: failed!
UPDATE sales.backup_runs SET status = 'failed', message = :message, finished_at = clock_timestamp(),
       revision = revision + 1
WHERE backup = :backup AND status IN ('running', 'created');

-- name: verified!
UPDATE sales.backup_runs SET status = 'verified', verified_at = clock_timestamp(), revision = revision + 1
WHERE backup = :backup AND status IN ('created', 'verified');

-- name: restore_checked!
UPDATE sales.backup_runs SET restore_checked_at = clock_timestamp(), revision = revision + 1
WHERE backup = :backup AND status IN ('created', 'verified');

-- name: pruned!
UPDATE sales.backup_runs SET status = 'pruned', revision = revision + 1 WHERE backup = :backup AND status <> 'pruned';

-- name: living
-- Backups that exist, the newest first.
SELECT backup, kind, base, status, manifest, bytes, started_at, finished_at, verified_at, restore_checked_at, message,
       revision
FROM sales.backup_runs WHERE status IN ('created', 'verified') ORDER BY started_at DESC, backup DESC;

-- name: uncopied
SELECT backup, kind, base, status, manifest, bytes, started_at, finished_at, verified_at, restore_checked_at, message,
       revision
FROM sales.backup_runs WHERE copied < revision ORDER BY started_at LIMIT 1000;

-- name: copied!
UPDATE sales.backup_runs SET copied = :revision WHERE backup = :backup AND copied < :revision;
