-- Figures for the monitoring. What is counted over all runs comes from the history, which is only ever added to:
-- a counter that went back would be read as a restart.

-- name: run_events
-- Of runs and of the portal: few, and in an index of their own.
SELECT event,
       CASE event WHEN 'portal_refused' THEN coalesce(detail ->> 'code', 'unknown')
                  WHEN 'run_stopped' THEN coalesce(detail ->> 'kind', 'StopRun') ELSE '' END AS label,
       count(*)
  FROM call_events
 WHERE call_id IS NULL
   AND event IN ('completed', 'error', 'cancelled', 'run_stopped', 'portal_refused', 'low_rate_on')
 GROUP BY 1, 2;

-- name: durations
-- From each start or resumption of a run to its end; a resumed run has several.
WITH moves AS (
    SELECT run_id, event, at, lag(event) OVER own AS before, lag(at) OVER own AS since
      FROM call_events
     WHERE call_id IS NULL AND event IN ('running', 'completed', 'error', 'cancelled')
    WINDOW own AS (PARTITION BY run_id ORDER BY id)
), ends AS (
    SELECT event, extract(epoch FROM at - since)::float AS seconds FROM moves
     WHERE event <> 'running' AND before = 'running'
)
SELECT event, width_bucket(seconds, :bounds::float[]) AS bucket, count(*), sum(seconds) FROM ends GROUP BY 1, 2;

-- name: settled
-- The newest event that nothing can be inserted before any more: an id is drawn when a row is written and seen when its
-- transaction ends, and no transaction of ours is open for so long. Looks at the last few minutes only.
SELECT coalesce((SELECT id FROM call_events WHERE at < now() - interval '15 minutes' ORDER BY id DESC LIMIT 1), 0);

-- name: record_events
-- Of single recordings, in a range of the history, by stage, or by result where people listened. `bought` summaries were paid for; others were found again.
WITH happened AS (
    SELECT detail,
           CASE WHEN event = 'completed' AND detail ? 'reused_from' THEN 'reused'
                WHEN event IN ('pending', 'downloaded', 'summary_failed') THEN 'retry'
                ELSE event END AS outcome,
           CASE event WHEN 'qa_checked' THEN detail ->> 'result' ELSE stage END AS label
      FROM call_events
     WHERE id > :after AND (id <= :up_to OR :up_to::bigint IS NULL) AND call_id IS NOT NULL
       AND (event IN ('completed', 'missing_audio', 'summarized', 'moved_to_dlq', 'qa_checked')
            OR event = 'error' AND stage IN ('download', 'transcribe')
            OR event IN ('pending', 'downloaded') AND error_code IS NOT NULL
            OR event = 'summary_failed' AND NOT coalesce((detail ->> 'final')::boolean, false))
)
SELECT outcome, label, count(*),
       coalesce(sum(CASE WHEN outcome = 'completed' THEN (detail ->> 'cost')::numeric
                         WHEN outcome = 'summarized' AND (detail ->> 'bought')::boolean
                         THEN (detail ->> 'usd')::numeric END), 0),
       coalesce(sum((detail ->> 'audio_sec')::numeric) FILTER (WHERE outcome = 'completed'), 0) / 60
  FROM happened
 GROUP BY 1, 2;

-- name: low_rate_active
SELECT coalesce(bool_or(low_rate_until > now()), false) FROM portal_pace;

-- name: qa_recordings
-- What stands now: a finding that was corrected has changed sides.
SELECT result, count(*) FROM call_qa_checks GROUP BY result;

-- name: errors_over_day
-- Recordings that failed more than a day ago and have got no text since, in whatever run. Few rows carry a first
-- failure: it is forgotten with the first success.
SELECT count(DISTINCT (own.call_id, own.statistics_id))
  FROM call_records own
 WHERE own.first_failed_at < now() - interval '24 hours' AND own.status = 'error'
   AND NOT EXISTS (SELECT FROM call_records done
                    WHERE done.call_id = own.call_id AND done.status = 'completed'
                      AND (done.record_id = own.record_id OR done.statistics_id = own.statistics_id));

-- name: dead_letters_waiting
SELECT count(*)
  FROM call_export_dlq letter
 WHERE replayed_at IS NULL
   AND NOT EXISTS (SELECT FROM call_records done
                    WHERE done.call_id = letter.call_id AND done.record_id = letter.record_id
                      AND done.status = 'completed');

-- name: last_success
SELECT max(finished_at) FROM call_exports WHERE status = 'completed' AND NOT dry_run;

-- name: recordings
-- Of the last whole run; a trial of five calls says nothing about the period.
SELECT coalesce((SELECT total_calls FROM call_exports
                  WHERE NOT dry_run AND finished_at IS NOT NULL AND coalesce((metadata ->> 'limit_calls')::integer, 0) = 0
                  ORDER BY finished_at DESC LIMIT 1), 0);

-- name: runs
-- Runs under way and the last one that ended; a handful, however long the history is.
WITH shown AS (
    (SELECT run_id FROM call_exports WHERE status = 'running' ORDER BY started_at DESC LIMIT 10)
    UNION
    (SELECT run_id FROM call_exports WHERE finished_at IS NOT NULL AND NOT dry_run ORDER BY finished_at DESC LIMIT 1)
)
SELECT run.run_id::text, run.status,
       -- a resumed run counts from its resumption
       (SELECT max(at) FROM call_events WHERE call_id IS NULL AND event = 'running' AND run_id = run.run_id), run.finished_at,
       coalesce(records.spent, 0) AS spent,
       greatest(run.approved_cost, :limit::numeric) AS limit,
       coalesce(records.statuses, '{}') AS statuses
  FROM shown
  JOIN call_exports run USING (run_id)
  LEFT JOIN LATERAL (
      SELECT sum(spent) AS spent, jsonb_object_agg(status, records) AS statuses
        FROM (SELECT status, count(*) AS records, sum(spent) AS spent
                FROM call_records WHERE call_records.run_id = run.run_id GROUP BY status) AS by_status
  ) AS records ON true
 ORDER BY run.started_at DESC;
