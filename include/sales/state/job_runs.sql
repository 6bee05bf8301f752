-- Runs of the jobs, and what of them ClickHouse has a copy of.

-- name: begin!
-- A run that is started again runs again.
INSERT INTO sales.job_runs AS run (job, run_id, started_at, status)
VALUES (:job, :run_id, now(), 'running')
ON CONFLICT (job, run_id) DO UPDATE
SET status = 'running', finished_at = NULL, revision = run.revision + 1
WHERE run.status <> 'running';

-- name: end!
UPDATE sales.job_runs SET status = :status, finished_at = clock_timestamp(), rows_processed = :rows, message = :message,
       error_code = :error_code, metrics = :metrics::jsonb || jsonb_build_object(
           'duration', floor(extract(epoch FROM clock_timestamp() - started_at))::bigint),
       revision = revision + 1
WHERE job = :job AND run_id = :run_id AND status = 'running';

-- name: uncopied
SELECT job, run_id, started_at, finished_at, status, rows_processed, message, metrics::text AS metrics, revision
FROM sales.job_runs WHERE copied < revision ORDER BY started_at LIMIT 5000;

-- name: copied!
UPDATE sales.job_runs SET copied = :revision WHERE job = :job AND run_id = :run_id AND copied < :revision;

-- name: latest
-- Of each job the newest run, and the newest good one.
SELECT DISTINCT ON (job) job, started_at, finished_at, status, error_code,
       max(finished_at) FILTER (WHERE status = 'success') OVER (PARTITION BY job) AS last_success_at,
       max(finished_at - started_at) FILTER (WHERE status = 'success') OVER (PARTITION BY job) AS longest
FROM sales.job_runs ORDER BY job, started_at DESC;


-- name: note!
-- What went wrong so far; the end of the run keeps it.
UPDATE sales.job_runs SET message = :message, error_code = :error_code, revision = revision + 1
WHERE job = :job AND run_id = :run_id AND status = 'running';

-- name: noted
SELECT message, error_code FROM sales.job_runs WHERE job = :job AND run_id = :run_id;
