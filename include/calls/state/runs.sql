-- Runs. `:to` and `:expected` are checked against the state machine before they come here.

-- name: insert_run
-- A new run with its first event. No row if the DAG run or the key has a run already.
WITH created AS (
    INSERT INTO call_exports (run_id, dag_run_id, idempotency_key, period_from, period_to, actor, trigger, due_at,
                              dry_run, generate_summary, deliver_texts, deliver_audio, metadata)
    VALUES (:run_id, :dag_run_id, :idempotency_key, :period_from, :period_to, :actor, :trigger, :due_at, :dry_run,
            :generate_summary, :deliver_texts, :deliver_audio, :metadata)
    ON CONFLICT DO NOTHING
    RETURNING run_id, status, actor
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, status, jsonb_build_object('actor', actor) FROM created
RETURNING run_id;

-- name: find_run
-- The run of an id, a DAG run or a key. The DAG run comes before the key: a repeated task must find what it opened,
-- whichever run has its key.
SELECT run_id, dag_run_id, idempotency_key, period_from, period_to, status, actor, trigger, dry_run, generate_summary,
       started_at, finished_at, total_calls, completed_calls, error_calls, total_minutes, total_cost, spent_cost,
       forecast_cost, currency_code, metadata, due_at, portal_id, last_statistics_id, approved_cost, deliver_texts,
       deliver_audio, verdict, failed_step
  FROM call_exports
 WHERE run_id = :run_id::uuid OR dag_run_id = :dag_run_id::text OR idempotency_key = :idempotency_key::text
 ORDER BY (run_id = :run_id::uuid) DESC NULLS LAST, (dag_run_id = :dag_run_id::text) DESC NULLS LAST
 LIMIT 1;

-- name: of_dag_run
-- The run that a DAG run works on. A resumed run keeps the name of the DAG run that opened it, so the caller says which
-- run it resumes.
SELECT run_id, dag_run_id, idempotency_key, period_from, period_to, status, actor, trigger, dry_run, generate_summary,
       started_at, finished_at, total_calls, completed_calls, error_calls, total_minutes, total_cost, spent_cost,
       forecast_cost, currency_code, metadata, due_at, portal_id, last_statistics_id, approved_cost, deliver_texts,
       deliver_audio, verdict, failed_step
  FROM call_exports
 WHERE run_id = :resumed::uuid OR dag_run_id = :dag_run_id
 ORDER BY (run_id = :resumed::uuid) DESC NULLS LAST
 LIMIT 1;

-- name: not_ended
-- Runs that have not ended, the oldest first.
SELECT run_id, dag_run_id, idempotency_key, period_from, period_to, status, actor, trigger, dry_run, generate_summary,
       started_at, finished_at, total_calls, completed_calls, error_calls, total_minutes, total_cost, spent_cost,
       forecast_cost, currency_code, metadata, due_at, portal_id, last_statistics_id, approved_cost, deliver_texts,
       deliver_audio, verdict, failed_step
  FROM call_exports
 WHERE status = ANY(:not_ended)
 ORDER BY due_at, run_id;

-- name: move_run!
-- A guarded move of a run with its event. `:runs`: the new status is the one in which a run works; the run belongs to
-- the DAG run `:worker` from then on, and a stop is lifted, which the event says. Any other move is made only while the
-- run belongs to `:worker`.
WITH old AS (
    SELECT status AS was, metadata ->> 'stop' AS stop
      FROM call_exports
     WHERE run_id = :run_id AND status = ANY(:expected)
       AND (:runs::boolean OR :worker::text IS NULL OR :worker = coalesce(metadata ->> 'worked_by', dag_run_id))
       FOR UPDATE
), moved AS (
    UPDATE call_exports run
       SET status = :to,
           metadata = CASE WHEN :runs::boolean
                           THEN metadata - 'stop' || jsonb_strip_nulls(jsonb_build_object('worked_by', :worker::text))
                           ELSE metadata END,
           started_at = CASE WHEN :runs::boolean THEN coalesce(started_at, now()) ELSE started_at END,
           finished_at = CASE WHEN :runs::boolean THEN NULL ELSE now() END,
           verdict = CASE WHEN :runs::boolean THEN NULL ELSE :verdict::text END,
           failed_step = CASE WHEN :runs::boolean THEN NULL ELSE :failed_step::text END,
           forecast_cost = coalesce(:forecast_cost::numeric, forecast_cost),
           generate_summary = coalesce(:generate_summary::boolean, run.generate_summary)
      FROM old
     WHERE run_id = :run_id
    RETURNING run_id, was, stop
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, :to,
       jsonb_build_object('from', was)
       || CASE WHEN :runs::boolean THEN jsonb_strip_nulls(jsonb_build_object('stop_lifted', stop)) ELSE '{}' END
       || :detail::jsonb
  FROM moved;

-- name: take_over!
-- A run that `:loser` left open belongs to the DAG run `:worker` from now on. The event is that of a start, so the time
-- of the run counts from here; a stop is lifted.
WITH old AS (
    SELECT status AS was, metadata ->> 'stop' AS stop
      FROM call_exports
     WHERE run_id = :run_id AND status = :status AND :loser = coalesce(metadata ->> 'worked_by', dag_run_id)
       FOR UPDATE
), taken AS (
    UPDATE call_exports
       SET metadata = metadata - 'stop' || jsonb_build_object('worked_by', :worker::text)
      FROM old
     WHERE run_id = :run_id
    RETURNING run_id, was, stop
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, was,
       jsonb_build_object('from', was, 'taken_over_from', :loser::text, 'resumed_by', :worker::text)
       || jsonb_strip_nulls(jsonb_build_object('stop_lifted', stop))
  FROM taken;

-- name: sum_up!
-- Calls and minutes of the run as the recordings have them now; money from the ledger. A text that two recordings
-- share was paid once and counts once; a summary may be charged to either of them.
UPDATE call_exports run
   SET total_calls = sums.total, existing_calls = sums.existing, completed_calls = sums.completed, error_calls = sums.errors, total_minutes = sums.minutes,
       total_cost = (SELECT coalesce(sum(paid.usd), 0)
                       FROM (SELECT text.recording_id, text.purchase_no
                               FROM reported_recordings own JOIN transcripts text USING (transcript_id)
                              WHERE own.run_id = :run_id AND own.status = 'completed'
                              UNION
                             SELECT recording_id, purchase_no
                               FROM reported_recordings
                              WHERE run_id = :run_id AND status = 'completed') bought
                       JOIN charges paid USING (recording_id, purchase_no)),
       spent_cost = (SELECT coalesce(sum(usd), 0) FROM charges WHERE charges.run_id = :run_id)
  FROM (SELECT count(*) AS total,
               count(*) FILTER (WHERE status NOT IN ('no_recording', 'missing_audio', 'erased')) AS existing,
               count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'error') AS errors,
               coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes
          FROM reported_recordings
         WHERE run_id = :run_id) sums
 WHERE run.run_id = :run_id;

-- name: stop_run!
-- Why the run stops; the first reason stays.
WITH stopped AS (
    UPDATE call_exports SET metadata = metadata || jsonb_build_object('stop', :sentence::text)
     WHERE run_id = :run_id AND metadata ->> 'stop' IS NULL
    RETURNING run_id
)
INSERT INTO call_events (run_id, stage, event, error_code, detail)
SELECT run_id, :stage, 'run_stopped', :error_code, :detail::jsonb FROM stopped;

-- name: note_run!
-- Merges keys into the run's metadata.
UPDATE call_exports SET metadata = metadata || :patch WHERE run_id = :run_id;

-- name: note_server_seconds!
-- Seconds of work by method; the highest figure of each method stays.
UPDATE call_exports
   SET metadata = metadata || jsonb_build_object('operating', coalesce(metadata -> 'operating', '{}') || (
           SELECT jsonb_object_agg(method, greatest(spent::float, (metadata -> 'operating' ->> method)::float))
             FROM jsonb_each_text(:seconds) AS now (method, spent)))
 WHERE run_id = :run_id;

-- name: set_forecast!
-- The first forecast stays: a resumed run is compared with the forecast made before it spent anything.
UPDATE call_exports SET forecast_cost = coalesce(forecast_cost, :forecast_cost) WHERE run_id = :run_id;

-- name: set_portal!
-- The run's portal. Two portals may have calls in the same period: from the second one on, `part` in the metadata
-- (the end of the run's file names) contains the portal.
UPDATE call_exports
   SET portal_id = :portal_id,
       metadata = CASE WHEN :portal_id > 1 THEN metadata || jsonb_build_object('part',
                           regexp_replace(coalesce(metadata ->> 'part', ''), '_at[0-9]+$', '') || '_at' || :portal_id)
                       ELSE metadata END
 WHERE run_id = :run_id AND portal_id IS DISTINCT FROM :portal_id;

-- name: set_trial_end!
-- The last row that a trial has listed.
UPDATE call_exports SET last_statistics_id = :statistics_id WHERE run_id = :run_id;

-- name: approve!
-- A person's approval. Repeated, it is one event; an approved sum is never lowered.
WITH approved AS (
    UPDATE call_exports SET approved_cost = :cost
     WHERE run_id = :run_id AND coalesce(approved_cost, 0) < :cost::numeric
    RETURNING run_id
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, 'approved', :detail FROM approved;

-- name: counts
-- Reported recordings by status.
SELECT status, count(*) FROM reported_recordings WHERE run_id = :run_id GROUP BY status;

-- name: tried
-- What the run itself has tried, as it stands now. Audio that is missing since the run's own night was never missing
-- before. A text is empty if it has no word although speech was heard.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT recording_id FROM call_events
     WHERE run_id = :run_id AND stage = 'download' AND event IN ('downloaded', 'missing_audio', 'error')
), audio AS (
    SELECT count(*) AS tried,
           count(*) FILTER (WHERE own.status = 'missing_audio'
                              AND own.missing_since = (run.due_at AT TIME ZONE 'UTC')::date) AS newly_missing
      FROM asked JOIN recordings own USING (recording_id) JOIN call_exports run ON run.run_id = :run_id
), texts AS (
    SELECT count(*) AS tried,
           count(*) FILTER (WHERE text.body = '' AND own.text_ended_at IS NULL
                              AND 'no_speech' <> ALL(own.review_reasons)) AS empty,
           count(*) FILTER (WHERE 'much_not_sent' = ANY(own.review_reasons)) AS much_not_sent,
           count(*) FILTER (WHERE own.needs_review) AS flagged
      FROM run_work work
      JOIN recordings own USING (recording_id)
      JOIN transcripts text ON text.transcript_id = own.transcript_id AND text.recording_id = own.recording_id
     WHERE work.run_id = :run_id AND own.status = 'completed' AND text.run_id = :run_id
)
SELECT audio.tried AS audio, audio.newly_missing,
       coalesce((run.metadata ->> 'listed')::integer, 0) AS rows,
       coalesce((run.metadata ->> 'bad_rows')::integer, 0)
           + coalesce((run.metadata ->> 'partly_read')::integer, 0) AS unreadable_rows,
       texts.tried AS texts, texts.empty AS empty_texts, texts.much_not_sent, texts.flagged AS flagged_texts
  FROM call_exports run CROSS JOIN audio CROSS JOIN texts
 WHERE run.run_id = :run_id;

-- name: progress
-- How far the run's period has come, for its note.
SELECT count(*) FILTER (WHERE own.status <> 'no_recording') AS recordings,
       count(*) FILTER (WHERE own.status = 'completed') AS completed,
       count(*) FILTER (WHERE own.status = 'completed' AND text.run_id IS DISTINCT FROM own.run_id) AS reused,
       count(*) FILTER (WHERE own.status = 'missing_audio') AS missing,
       count(*) FILTER (WHERE own.status = 'error') AS errors,
       coalesce(sum(own.audio_sec) FILTER (WHERE own.status = 'completed'), 0) / 60 AS minutes,
       coalesce((SELECT usd FROM run_spending WHERE run_id = :run_id), 0) AS spent
  FROM reported_recordings own LEFT JOIN transcripts text USING (transcript_id)
 WHERE own.run_id = :run_id;

-- name: following
-- The same for the command that follows a run, found by its DAG run, its id or its key.
SELECT run.run_id::text, run.status, run.metadata ->> 'phase' AS phase, run.metadata ->> 'asked_cost' AS asked_cost,
       sums.recordings, sums.done, sums.errors, sums.minutes::float,
       coalesce((SELECT usd FROM run_spending WHERE run_spending.run_id = run.run_id), 0)::float AS spent
  FROM call_exports run
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE status <> 'no_recording') AS recordings,
              count(*) FILTER (WHERE status IN ('completed', 'error', 'missing_audio')) AS done,
              count(*) FILTER (WHERE status = 'error') AS errors,
              coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes
         FROM reported_recordings
        WHERE reported_recordings.run_id = run.run_id) sums
 WHERE run.dag_run_id = :dag_run_id OR run.run_id = :run_id::uuid OR run.idempotency_key = :key::text
 ORDER BY (run.run_id = :run_id::uuid) DESC NULLS LAST, (run.dag_run_id = :dag_run_id) DESC
 LIMIT 1;
