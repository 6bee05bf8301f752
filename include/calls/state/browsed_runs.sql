-- Runs, their samples and the audit log as the call browser lists them: the newest first, a page after a place.

-- name: runs
-- A page of runs; of one DAG run if it is given: the one that opened the run or worked on it last.
SELECT run_id, dag_run_id, coalesce(metadata ->> 'worked_by', dag_run_id) AS worked_by, period_from, period_to, status,
       actor, trigger, dry_run, started_at, finished_at, total_calls, existing_calls, completed_calls, error_calls, total_minutes,
       spent_cost, forecast_cost, approved_cost, verdict, due_at
  FROM call_exports
 WHERE (due_at, run_id) < (coalesce(:place_at::timestamptz, 'infinity'), coalesce(:place_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   AND (:dag_run_id::text IS NULL OR :dag_run_id IN (dag_run_id, metadata ->> 'worked_by'))
   AND (:run_id::uuid IS NULL OR run_id = :run_id)
 ORDER BY due_at DESC, run_id DESC
 LIMIT :most;

-- name: counts_of_run
-- What the recordings of a run's period are now: how many of each status, error, flag and verdict.
WITH own AS MATERIALIZED (
    SELECT shown.recording_id, shown.status, shown.error_code, shown.needs_review, shown.review_reasons
      FROM reported_recordings shown WHERE shown.run_id = :run_id AND shown.status <> 'erased'
)
SELECT 'statuses' AS facet, status AS value, count(*) AS calls FROM own GROUP BY status
UNION ALL
SELECT 'errors', error_code, count(*) FROM own WHERE error_code IS NOT NULL GROUP BY error_code
UNION ALL
SELECT 'flags', flag, count(*) FROM own, unnest(review_reasons) AS flag WHERE needs_review GROUP BY flag
UNION ALL
SELECT 'verdicts', result, count(*) FROM own JOIN call_qa_checks USING (recording_id) GROUP BY result
 ORDER BY facet, calls DESC, value;

-- name: days
-- The calls of each day of the time zone `zone`, for so many days up to the last one with calls: what has a text, why the
-- rest has none. Erased calls are in no figure.
WITH last AS (
    SELECT (max(call_started_at) AT TIME ZONE :zone)::date AS day FROM recordings WHERE status <> 'erased'
)
SELECT (own.call_started_at AT TIME ZONE :zone)::date AS day,
       count(*) FILTER (WHERE own.status = 'completed') AS completed,
       count(*) FILTER (WHERE own.status = 'error') AS errors,
       count(*) FILTER (WHERE own.status = 'missing_audio') AS missing,
       count(*) FILTER (WHERE own.status IN ('pending', 'downloading', 'downloaded', 'transcribing')) AS waiting,
       count(*) FILTER (WHERE own.status = 'no_recording') AS no_recording,
       coalesce(sum(own.audio_sec) FILTER (WHERE own.status = 'completed'), 0) / 60 AS minutes
  FROM recordings own, last
 WHERE own.call_started_at >= (last.day - :days::integer + 1)::timestamp AT TIME ZONE :zone AND own.status <> 'erased'
   AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL)
 GROUP BY 1 ORDER BY 1;

-- name: stages_of_runs
-- How long each stage of these runs took, from its first event to its last.
SELECT run_id, stage,
       extract(epoch FROM max(at) - min(at - make_interval(secs => coalesce(duration_ms, 0) / 1000.0)))::float AS seconds
  FROM call_events
 WHERE run_id = ANY(:run_ids::uuid[]) AND stage = ANY(:stages)
 GROUP BY run_id, stage;

-- name: sampled
-- The recordings of a run's sample that are in the reader's scope, by their ids from outside.
SELECT own.call_id, own.record_id, own.recording_id
  FROM unnest(:call_ids::text[], :record_ids::text[]) AS sample (call_id, record_id)
  JOIN reported_recordings own
    ON own.run_id = :run_id AND own.call_id = sample.call_id AND own.record_id = sample.record_id
 WHERE in_scope(own.phone_line, own.employee_id, :scope_lines::text[], :scope_employees::text[]);

-- name: entries
-- A page of the audit log.
SELECT entry_no, at, action, actor, run_id, reason, detail
  FROM audit_log
 WHERE entry_no < coalesce(:before_no::bigint, 9223372036854775807)
   AND (:actor::text IS NULL OR actor = :actor) AND (:action::text IS NULL OR action = :action)
   AND (:call::text IS NULL OR detail ->> 'call' = :call OR detail -> 'calls' @> to_jsonb(:call::bigint))
   AND at >= coalesce(:since::timestamptz, '-infinity') AND at < coalesce(:before::timestamptz, 'infinity')
 ORDER BY entry_no DESC
 LIMIT :most;
