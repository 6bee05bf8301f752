-- Runs of the jobs, each once.
CREATE OR REPLACE VIEW meta_job_runs DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT job, run_id, started_at, finished_at, status, rows_processed, message, metrics FROM job_runs_log FINAL
