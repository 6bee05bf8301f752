-- Backups, each once.
CREATE OR REPLACE VIEW meta_backup_runs DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    backup, kind, base, started_at, finished_at, status, bytes, rows, verified_at, restore_checked_at, message
FROM backup_runs_log FINAL
