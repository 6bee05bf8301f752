-- Loads: one scope under one number, from the request to the verified rows.

-- name: next_number
-- A number above all that were given, and above `at_least`, which is what ClickHouse has already.
UPDATE sales.load_numbers SET last = greatest(last, :at_least) + 1 RETURNING last;

-- name: last_number
SELECT last FROM sales.load_numbers;

-- name: raise_number!
-- After PostgreSQL was restored from an older copy: numbers below those in ClickHouse would lose in silence.
UPDATE sales.load_numbers SET last = :at_least WHERE last < :at_least;

-- name: open_load!
INSERT INTO sales.loads (load_id, source, stream, account, scope, kind, report_name, dag_run_id)
VALUES (:load_id, :source, :stream, :account, :scope, :kind, :report_name, :dag_run_id);

-- name: same_load
-- The load of this DAG run for the same scope: a task that is repeated opens none twice.
SELECT load_id FROM sales.loads
WHERE dag_run_id = :dag_run_id AND source = :source AND stream = :stream AND account = :account
  AND scope = :scope AND replaced_by IS NULL
ORDER BY load_id DESC LIMIT 1;

-- name: current
-- The load itself, or the one that took its place.
WITH RECURSIVE chain AS (
    SELECT * FROM sales.loads WHERE load_id = :load_id
    UNION ALL
    SELECT next.* FROM sales.loads next JOIN chain ON next.load_id = chain.replaced_by
)
SELECT load_id, source, stream, account, scope, kind, status, report_name, dag_run_id, rows, tombstones, amount,
       counters, content_hash, error_code, opened_at, finished_at
FROM chain WHERE replaced_by IS NULL;

-- name: of_run
SELECT load_id, source, stream, account, scope, kind, status, report_name, dag_run_id, rows, tombstones, amount,
       counters, content_hash, error_code, opened_at, finished_at
FROM sales.loads WHERE dag_run_id = :dag_run_id AND replaced_by IS NULL ORDER BY load_id;

-- name: last_loaded
-- The newest load of the source that ended well.
SELECT load_id, source, stream, account, scope, kind, status, report_name, dag_run_id, rows, tombstones, amount,
       counters, content_hash, error_code, opened_at, finished_at
FROM sales.loads WHERE source = :source AND stream = :stream AND status = 'loaded'
ORDER BY finished_at DESC LIMIT 1;

-- name: begin_writing!
UPDATE sales.loads SET status = 'writing', writing_at = now() WHERE load_id = :load_id AND status = 'fetching';

-- name: finish!
-- Guarded: only a load that is being written becomes a loaded one.
UPDATE sales.loads SET status = 'loaded', rows = :rows, tombstones = :tombstones, amount = :amount,
       counters = :counters, content_hash = :content_hash, finished_at = now(), error_code = NULL
WHERE load_id = :load_id AND status = 'writing';

-- name: end_badly!
UPDATE sales.loads SET status = :status, error_code = :error_code, finished_at = now()
WHERE load_id = :load_id AND status IN ('fetching', 'writing');

-- name: replace!
-- A killed or failed load is followed by one with a new number.
UPDATE sales.loads SET status = CASE WHEN status IN ('fetching', 'writing') THEN 'superseded' ELSE status END,
       replaced_by = :new_id, finished_at = coalesce(finished_at, now())
WHERE load_id = :load_id AND replaced_by IS NULL AND status <> 'loaded';

-- name: advance_watermark!
INSERT INTO sales.watermarks AS mark (source, stream, account, watermark, load_id)
VALUES (:source, :stream, :account, :watermark, :load_id)
ON CONFLICT (source, stream, account) DO UPDATE
SET watermark = excluded.watermark, load_id = excluded.load_id, updated_at = now()
WHERE mark.watermark < excluded.watermark;

-- name: watermark
SELECT watermark FROM sales.watermarks WHERE source = :source AND stream = :stream AND account = :account;

-- name: rewind_watermarks!
-- After a restore: what changed since the backup is not in the warehouse any more.
UPDATE sales.watermarks SET watermark = :until, updated_at = now() WHERE watermark > :until;

-- name: accounts
-- Who has ever been loaded.
SELECT DISTINCT source, account FROM sales.loads ORDER BY source, account;

-- name: first_opened_at
SELECT min(opened_at) FROM sales.loads;

-- name: log_event!
INSERT INTO sales.events (load_id, source, account, event, detail)
VALUES (:load_id, :source, :account, :event, :detail);
