-- Counters and gauges of the monitoring. `metric_totals` has the counters of the history up to `metric_totals_up_to`; a
-- scrape adds what came since, so a dropped month of events lowers no counter.

-- name: totals
-- The counters that are summed up, and the event up to which they are. One row without a counter if there is none yet.
SELECT up_to.event_id, total.metric, total.label, total.bucket, total.count, total.amount
  FROM metric_totals_up_to up_to LEFT JOIN metric_totals total ON true;

-- name: settled
-- The newest event before which no event can appear any more: an id is drawn when a row is written and is visible when
-- its transaction ends, and no transaction of the export stays open that long. Reads the last few minutes only.
SELECT coalesce((SELECT id FROM call_events WHERE at < now() - interval '15 minutes' ORDER BY id DESC LIMIT 1), 0);

-- name: counted
-- What a range of the history adds to the counters. Amounts are minutes of recognised audio and seconds of runs.
WITH happened AS (
    SELECT id, run_id, call_id, at, stage, event, error_code, detail FROM call_events
     WHERE id > :after AND (id <= :up_to OR :up_to::bigint IS NULL)
), of_recordings AS (
    SELECT CASE WHEN event IN ('pending', 'downloaded', 'summary_failed') THEN 'retry' ELSE event END AS metric,
           CASE event WHEN 'qa_checked' THEN detail ->> 'result' ELSE stage END AS label,
           CASE event WHEN 'completed' THEN coalesce((detail ->> 'audio_sec')::numeric, 0) / 60 ELSE 0 END AS amount
      FROM happened
     WHERE call_id IS NOT NULL
       AND (event IN ('missing_audio', 'moved_to_dlq', 'qa_checked')
            OR event = 'completed' AND NOT detail ? 'same_bytes_as'
            OR event = 'error' AND stage IN ('download', 'transcribe')
            OR event IN ('pending', 'downloaded') AND error_code IS NOT NULL
            OR event = 'summary_failed' AND NOT coalesce((detail ->> 'final')::boolean, false))
), of_runs AS (
    SELECT 'run_' || event AS metric,
           CASE event WHEN 'portal_refused' THEN coalesce(detail ->> 'code', 'unknown')
                      WHEN 'run_stopped' THEN coalesce(detail ->> 'kind', 'StopRun') ELSE '' END AS label
      FROM happened
     WHERE call_id IS NULL
       AND event IN ('completed', 'error', 'cancelled', 'run_stopped', 'portal_refused', 'low_rate_on')
), ends AS (  -- from each start or resumption of a run to its end; a resumed run has several
    SELECT ended.event, extract(epoch FROM ended.at - began.at)::float AS seconds
      FROM happened ended
     CROSS JOIN LATERAL (SELECT event, at FROM call_events
                          WHERE call_id IS NULL AND run_id = ended.run_id AND id < ended.id
                            AND event IN ('running', 'completed', 'error', 'cancelled')
                          ORDER BY id DESC LIMIT 1) began
     WHERE ended.call_id IS NULL AND ended.event IN ('completed', 'error', 'cancelled') AND began.event = 'running'
)
SELECT metric, label, 0 AS bucket, count(*) AS count, sum(amount) AS amount FROM of_recordings GROUP BY 1, 2
UNION ALL
SELECT metric, label, 0, count(*), 0 FROM of_runs GROUP BY 1, 2
UNION ALL
SELECT 'run_seconds', event, width_bucket(seconds, :bounds::float[]), count(*), sum(seconds)::numeric FROM ends GROUP BY 2, 3;

-- name: lock_totals
-- Up to which event the counters are summed up; locked until the transaction ends.
SELECT event_id FROM metric_totals_up_to FOR UPDATE;

-- name: add_totals!
-- Adds the result of `counted` for the events up to :up_to.
WITH added AS (
    INSERT INTO metric_totals AS total (metric, label, bucket, count, amount)
    SELECT * FROM unnest(:metrics::text[], :labels::text[], :buckets::integer[], :counts::bigint[], :amounts::numeric[])
    ON CONFLICT (metric, label, bucket) DO UPDATE
       SET count = total.count + excluded.count, amount = total.amount + excluded.amount
)
UPDATE metric_totals_up_to SET event_id = :up_to;

-- name: spent_by_kind
-- All payments: for texts, and each other purpose by itself.
SELECT CASE WHEN purpose IN ('recognition', 'fallback', 'rounding') THEN 'recognition' ELSE purpose END AS kind, sum(usd)
  FROM charges
 GROUP BY 1;

-- name: low_rate_active
-- Whether the portal is asked at the low rate now.
SELECT coalesce(bool_or(low_rate_until > now()), false) FROM portal_pace;

-- name: qa_recordings
-- Recordings by their last verdict: a corrected verdict has changed sides.
SELECT result, count(*) FROM call_qa_checks GROUP BY result;

-- name: errors_over_day
-- Recordings that have failed for more than a day.
SELECT count(*) FROM recordings WHERE first_failed_at < now() - interval '24 hours' AND status = 'error';

-- name: dead_letters_waiting
-- Recordings in the DLQ.
SELECT count(*) FROM dead_letters JOIN recordings USING (recording_id) WHERE replayed_at IS NULL AND status <> 'completed';

-- name: audit_entries
-- How many entries the audit log has ever had.
SELECT last_no FROM audit_head;

-- name: secret_ages
-- Seconds since each secret was first seen in use.
SELECT name, extract(epoch FROM now() - first_seen_at)::float FROM secrets_seen ORDER BY name;
-- name: retention
-- The end of the last night of retention, and how many removals it has not carried out for more than a day.
SELECT (SELECT max(at) FROM call_events WHERE call_id IS NULL AND event = 'retention_done'),
       (SELECT count(*) FROM file_removals WHERE removed_at IS NULL AND ordered_at < now() - interval '26 hours');

-- name: last_success
-- When the last good run ended.
SELECT max(finished_at) FROM call_exports WHERE status = 'completed' AND NOT dry_run;

-- name: recordings
-- Calls of the last whole run; a trial of five calls says nothing about the period.
SELECT coalesce((SELECT total_calls FROM call_exports
                  WHERE NOT dry_run AND finished_at IS NOT NULL AND coalesce((metadata ->> 'limit_calls')::integer, 0) = 0
                  ORDER BY finished_at DESC LIMIT 1), 0);

-- name: erasures
-- Demands to erase that are neither settled nor refused, and the age of the oldest one in seconds; one row always.
SELECT count(*)::integer, coalesce(max(extract(epoch FROM now() - demanded_at)), 0)::float
  FROM erasures WHERE status IN ('asked', 'approved');

-- name: backups
-- The newest backup, the newest verified one, and what they took; one row always.
SELECT (SELECT max(made_at) FROM backups),
       (SELECT max(made_at) FROM backups WHERE verified_at IS NOT NULL),
       coalesce((SELECT bytes FROM backups ORDER BY made_at DESC LIMIT 1), 0),
       coalesce((SELECT seconds FROM backups ORDER BY made_at DESC LIMIT 1), 0),
       coalesce((SELECT restore_seconds FROM backups WHERE verified_at IS NOT NULL ORDER BY verified_at DESC LIMIT 1), 0);

-- name: data_directory
-- The server's folder, for users who may know it.
SELECT CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'member')
            THEN current_setting('data_directory') END;

-- name: runs
-- Runs at work and the last one that ended: a handful, however long the history is. A resumed run counts from its
-- resumption.
WITH shown AS (
    (SELECT run_id FROM call_exports WHERE status = 'running' ORDER BY started_at DESC LIMIT 10)
    UNION
    (SELECT run_id FROM call_exports WHERE finished_at IS NOT NULL AND NOT dry_run ORDER BY finished_at DESC LIMIT 1)
)
SELECT run.run_id::text, run.status,
       (SELECT max(at) FROM call_events WHERE call_id IS NULL AND event = 'running' AND run_id = run.run_id),
       run.finished_at,
       coalesce((SELECT usd FROM run_spending WHERE run_spending.run_id = run.run_id), 0) AS spent,
       greatest(run.approved_cost, :limit::numeric) AS limit,
       coalesce(records.statuses, '{}') AS statuses,
       coalesce(run.metadata -> 'bars', '{}') AS bars,
       (run.metadata ->> 'clock_offset_sec')::float AS clock_offset_sec
  FROM shown
  JOIN call_exports run USING (run_id)
  LEFT JOIN LATERAL (
      SELECT jsonb_object_agg(status, records) AS statuses
        FROM (SELECT status, count(*) AS records
                FROM reported_recordings WHERE reported_recordings.run_id = run.run_id GROUP BY status) AS by_status
  ) AS records ON true
 ORDER BY run.started_at DESC;

-- name: smoke
-- The newest smoke run of each playlist and engine of the last half-year. `rise`: by how much its word error rate is above
-- that of the last good run before it (no entry failed, words by the same rules), over the entries that both heard.
WITH run AS (
    SELECT playlist, engine, smoke_id, max(at) AS at, min(normaliser) AS normaliser,
           count(*) FILTER (WHERE status = 'failure') AS failed, sum(errors)::float / nullif(sum(words), 0) AS wer
      FROM stt_smoke_results
     WHERE at > now() - interval '180 days'
     GROUP BY playlist, engine, smoke_id
), newest AS (
    SELECT DISTINCT ON (playlist, engine) * FROM run ORDER BY playlist, engine, at DESC, smoke_id DESC
), good AS (
    SELECT DISTINCT ON (playlist, engine) playlist, engine, earlier.smoke_id
      FROM newest JOIN run earlier USING (playlist, engine)
     WHERE earlier.at < newest.at AND earlier.failed = 0 AND earlier.normaliser = newest.normaliser
     ORDER BY playlist, engine, earlier.at DESC
)
SELECT newest.playlist, newest.engine, newest.wer, newest.failed::integer, newest.at, shared.rise
  FROM newest
  LEFT JOIN good USING (playlist, engine)
  LEFT JOIN LATERAL (
      SELECT sum(now.errors)::float / nullif(sum(now.words), 0) - sum(before.errors)::float / nullif(sum(before.words), 0) AS rise
        FROM stt_smoke_results now JOIN stt_smoke_results before USING (engine, call_id, record_id)
       WHERE now.smoke_id = newest.smoke_id AND before.smoke_id = good.smoke_id AND engine = newest.engine
         AND now.wer IS NOT NULL AND before.wer IS NOT NULL) shared ON true
 ORDER BY newest.playlist, newest.engine;
