-- The history.

-- name: add_event!
-- One event. `:recording_id` is NULL for an event about a run or the portal.
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, duration_ms, error_code, detail)
SELECT :run_id::uuid, own.call_id, own.record_id, own.recording_id, :stage, :event, :duration_ms, :error_code, :detail
  FROM (SELECT) one
  LEFT JOIN recordings own ON own.recording_id = :recording_id::bigint;

-- name: events_of_run
-- The run's history in order.
SELECT at, run_id, call_id, record_id, stage, event, duration_ms, error_code, detail
  FROM call_events
 WHERE run_id = :run_id
 ORDER BY id;

-- name: summary_failures
-- Failures of the batch's summaries, and tasks that died on them, since a person, or the task's first try, last started it
-- afresh. A task that lives writes an end for each summary that it begins.
SELECT work.recording_id, (count(*) FILTER (WHERE event.event = 'summary_failed'))::integer AS times,
       coalesce(bool_or((event.detail ->> 'final')::boolean), false) AS final,
       greatest(0, count(*) FILTER (WHERE event.event = 'summary_begun')
                   - count(*) FILTER (WHERE event.event <> 'summary_begun'))::integer AS deaths
  FROM run_work work
  JOIN call_events event ON event.run_id = work.run_id AND event.recording_id = work.recording_id
 WHERE work.run_id = :run_id AND work.batch_no = :batch_no AND event.stage = :stage
   AND event.event IN ('summary_begun', 'summarized', 'summary_failed', 'summary_put_off')
   AND event.id > coalesce((SELECT max(id) FROM call_events
                             WHERE call_id IS NULL AND run_id = :run_id AND event = 'started_afresh' AND stage = :stage
                               AND detail ->> 'batch_no' = :batch_no::text), 0)
 GROUP BY work.recording_id;

-- name: wait_shortly#
-- For the rest of the transaction: a lock that is not free soon is an error.
SET LOCAL lock_timeout = '2s';

-- name: ensure_months
-- Creates the partitions from this month to a year ahead; returns how many were missing.
SELECT call_events_months((now() AT TIME ZONE 'UTC')::date, 12);
