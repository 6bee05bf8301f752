-- Runs and the history. `:to` and `:expected` are checked against the state machine before they come here.

-- name: insert_run
INSERT INTO call_exports (run_id, dag_run_id, idempotency_key, period_from, period_to, actor, trigger, dry_run,
                          generate_summary, metadata)
VALUES (:run_id, :dag_run_id, :idempotency_key, :period_from, :period_to, :actor, :trigger, :dry_run,
        :generate_summary, :metadata)
ON CONFLICT DO NOTHING
RETURNING run_id;

-- name: find_run
-- The own DAG run first: a retried task must find what it opened, whoever else used its key.
SELECT run_id, dag_run_id, idempotency_key, period_from, period_to, status, actor, trigger, dry_run, generate_summary,
       started_at, finished_at, total_calls, completed_calls, error_calls, total_minutes, total_cost, spent_cost,
       forecast_cost, currency_code, metadata
  FROM call_exports
 WHERE run_id = :run_id::uuid OR dag_run_id = :dag_run_id::text OR idempotency_key = :idempotency_key::text
 ORDER BY (run_id = :run_id::uuid) DESC NULLS LAST, (dag_run_id = :dag_run_id::text) DESC NULLS LAST
 LIMIT 1;

-- name: move_run!
WITH old AS (
    SELECT status FROM call_exports WHERE run_id = :run_id AND status = ANY(:expected) FOR UPDATE
), moved AS (
    UPDATE call_exports
       SET status = :to,
           started_at = CASE WHEN :to = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
           finished_at = CASE WHEN :to = 'running' THEN NULL ELSE now() END,
           forecast_cost = coalesce(:forecast_cost::numeric, forecast_cost),
           generate_summary = coalesce(:generate_summary::boolean, call_exports.generate_summary)
      FROM old
     WHERE run_id = :run_id
    RETURNING run_id, old.status AS was
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, :to, jsonb_build_object('from', was) || :detail::jsonb FROM moved;

-- name: sum_up!
UPDATE call_exports
   SET total_calls = sums.total, completed_calls = sums.completed, error_calls = sums.errors,
       total_minutes = sums.minutes, total_cost = sums.cost, spent_cost = sums.spent
  FROM (SELECT count(*) AS total,
               count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'error') AS errors,
               coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes,
               coalesce(sum(coalesce(cost, 0) + coalesce(summary_cost, 0)) FILTER (WHERE status = 'completed'), 0) AS cost,
               coalesce(sum(spent), 0) AS spent
          FROM call_records
         WHERE run_id = :run_id) sums
 WHERE run_id = :run_id;

-- name: last_end
SELECT coalesce(detail ->> 'verdict', '') AS verdict, detail ->> 'failed_step' AS failed_step
  FROM call_events
 WHERE run_id = :run_id AND call_id IS NULL AND event IN ('completed', 'error', 'cancelled')
 ORDER BY id DESC
 LIMIT 1;

-- name: stop_run!
WITH stopped AS (
    UPDATE call_exports SET metadata = metadata || jsonb_build_object('stop', :reason::text)
     WHERE run_id = :run_id AND metadata ->> 'stop' IS NULL
    RETURNING run_id
)
INSERT INTO call_events (run_id, stage, event, error_code, detail)
SELECT run_id, :stage, 'run_stopped', :error_code, :detail::jsonb FROM stopped;

-- name: note_run!
UPDATE call_exports SET metadata = metadata || :patch WHERE run_id = :run_id;

-- name: note_operating!
UPDATE call_exports
   SET metadata = metadata || jsonb_build_object('operating', coalesce(metadata -> 'operating', '{}') || (
           SELECT jsonb_object_agg(method, greatest(spent::float, (metadata -> 'operating' ->> method)::float))
             FROM jsonb_each_text(:seconds) AS now (method, spent)))
 WHERE run_id = :run_id;

-- name: set_forecast!
-- The first forecast stays: a resumed run is held to what was said before anything was spent.
UPDATE call_exports SET forecast_cost = coalesce(forecast_cost, :forecast_cost) WHERE run_id = :run_id;

-- name: add_event!
INSERT INTO call_events (run_id, call_id, record_id, stage, event, duration_ms, error_code, detail)
VALUES (:run_id, :call_id, :record_id, :stage, :event, :duration_ms, :error_code, :detail);

-- name: counts
SELECT status, count(*) FROM call_records WHERE run_id = :run_id GROUP BY status;

-- name: progress
SELECT count(*) FILTER (WHERE status <> 'no_recording') AS recordings,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'completed' AND reused_from_run_id IS NOT NULL) AS reused,
       count(*) FILTER (WHERE status = 'missing_audio') AS missing,
       count(*) FILTER (WHERE status = 'error') AS errors,
       coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes,
       coalesce(sum(spent), 0) AS spent
  FROM call_records
 WHERE run_id = :run_id;
