-- The figures of one run, its registry's rows, and whose turn it is to write them down; no record is changed.

-- name: registry_rows(run_id)
-- In the order of the calls; `statistics_id` breaks ties, so a rewritten file is the same file.
SELECT run_id, call_id, record_id, call_started_at, portal_offset_sec, direction, from_number, to_number, employee_id,
       employee_name, duration_sec, recording_url, transcript_path, summary_path, text_preview, cost, currency_code,
       language, status, error_code, retry_count, checksum, tags, roles, needs_review
  FROM call_records
 WHERE run_id = :run_id
 ORDER BY call_started_at, statistics_id, call_id, record_id;

-- name: run_events(run_id)
SELECT at, run_id, call_id, record_id, stage, event, duration_ms, error_code, detail
  FROM call_events
 WHERE run_id = :run_id
 ORDER BY id;

-- name: run_facts(run_id)
SELECT run_id, status, actor, trigger, dry_run, generate_summary, period_from, period_to, started_at, finished_at,
       (SELECT max(at) FROM call_events WHERE call_events.run_id = call_exports.run_id) AS last_event_at,
       -- a question that waits for a person, and days between an end and its resumption, are nobody's work
       (SELECT coalesce(sum(extract(epoch FROM until - at)), 0)::float
          FROM (SELECT event, at, lead(at) OVER (ORDER BY id) AS until FROM call_events
                 WHERE call_events.run_id = call_exports.run_id AND call_id IS NULL
                   AND event IN ('running', 'completed', 'error', 'cancelled', 'approval_wanted', 'approved', 'refused',
                                 'approval_timed_out')) AS steps
         WHERE event IN ('completed', 'error', 'cancelled', 'approval_wanted')) AS idle_sec,
       currency_code, forecast_cost, approved_cost,
       -- the first forecast stays, like forecast_cost: a resumed run is held to what was said before it spent anything
       (SELECT (detail ->> 'minutes')::integer FROM call_events
         WHERE call_events.run_id = call_exports.run_id AND event = 'planned' ORDER BY id LIMIT 1) AS forecast_minutes,
       decided.decision, decided.decided_by, decided.decided_at,
       (metadata ->> 'portal_total')::integer AS portal_total,
       (metadata ->> 'registered')::integer AS registered,
       coalesce((metadata ->> 'bad_rows')::integer, 0) AS bad_rows,
       coalesce((metadata ->> 'shared')::integer, 0) AS shared_rows,
       coalesce((metadata ->> 'limit_calls')::integer, 0) AS limit_calls,
       coalesce((metadata ->> 'low_rate')::boolean, false) AS low_rate,
       coalesce(metadata -> 'operating', '{}') AS operating,
       metadata ->> 'stop' AS stop, metadata ->> 'refused' AS refused
  FROM call_exports
  LEFT JOIN LATERAL (
      SELECT event AS decision, detail ->> 'by' AS decided_by, at AS decided_at
        FROM call_events
       WHERE call_events.run_id = call_exports.run_id AND event IN ('approved', 'refused', 'approval_timed_out')
       ORDER BY id DESC LIMIT 1) AS decided ON true
 WHERE run_id = :run_id;

-- name: run_totals(run_id)
-- A text's price per minute is its cost by the minutes it was billed for, whatever model and tariff it was bought at.
WITH texts AS (
    SELECT *, ceil(coalesce(audio_sec, 0) / 60) AS billed,
           reused_from_run_id IS NULL AS bought
      FROM call_records
     WHERE run_id = :run_id AND status = 'completed'
)
SELECT (SELECT count(*) FROM call_records WHERE run_id = :run_id) AS calls,
       0 AS gone, 0 AS came_since,
       coalesce(sum(audio_sec), 0) / 60 AS minutes,
       coalesce(sum(billed), 0)::integer AS billed_minutes,
       coalesce(sum(billed) FILTER (WHERE bought), 0)::integer AS bought_minutes,
       coalesce(sum(coalesce(cost, 0) + coalesce(summary_cost, 0)), 0) AS cost,
       -- of recordings that have no text, too: pieces of them may be paid for, or a text that was sent back
       (SELECT coalesce(sum(spent), 0) FROM call_records WHERE run_id = :run_id) AS spent,
       (SELECT coalesce(sum(summary_cost) FILTER (WHERE summary_bought), 0) FROM call_records WHERE run_id = :run_id)
           AS spent_on_summaries,
       coalesce(sum(cost * audio_sec / (60 * billed)) FILTER (WHERE bought AND billed > 0), 0) AS spent_per_second,
       coalesce(sum(duration_sec) FILTER (WHERE audio_sec IS NOT NULL), 0)::bigint AS portal_sec,
       coalesce(sum(audio_sec), 0) AS audio_sec,
       count(*) FILTER (WHERE NOT bought) AS reused,
       count(*) FILTER (WHERE source = 'portal') AS from_portal,
       count(*) FILTER (WHERE needs_review) AS flagged,
       count(*) FILTER (WHERE roles = 'none') AS no_roles,
       -- talked, but no recording yet: a later run looks again (D10)
       (SELECT count(*) FROM call_records
         WHERE run_id = :run_id AND status = 'no_recording' AND failed_code = 'answered' AND duration_sec > 0)
           AS late_expected,
       count(*) FILTER (WHERE bought AND checksum IS NOT NULL)
           - count(DISTINCT (call_id, checksum)) FILTER (WHERE bought AND checksum IS NOT NULL) AS duplicates
  FROM texts;

-- name: portal_offset(run_id)
-- The offset from UTC that most calls of the run have; of two equally frequent ones the greater.
SELECT portal_offset_sec
  FROM call_records
 WHERE run_id = :run_id
 GROUP BY 1
 ORDER BY count(*) DESC, 1 DESC
 LIMIT 1;

-- name: calls_by_day(run_id, zone)
-- `zone` is `domain/report_zone.sql_zone`'s.
SELECT (call_started_at AT TIME ZONE :zone)::date AS day, status, count(*) AS calls,
       coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes,
       coalesce(sum(coalesce(cost, 0) + coalesce(summary_cost, 0)) FILTER (WHERE status = 'completed'), 0) AS cost,
       sum(spent) AS spent
  FROM call_records
 WHERE run_id = :run_id
 GROUP BY day, status
 ORDER BY day, status;

-- name: gap_groups(run_id)
SELECT status, error_code, CASE WHEN status = 'no_recording' THEN failed_code END AS failed_code, count(*) AS calls
  FROM call_records
 WHERE run_id = :run_id AND status <> 'completed'
 GROUP BY 1, 2, 3
 ORDER BY calls DESC, 1, 2, 3;

-- name: gaps(run_id, most)
-- Calls that never had a recording are counted by gap_groups and listed in the registry.
SELECT call_id, record_id, call_started_at, portal_offset_sec, duration_sec, status, error_code, error_message,
       EXISTS (SELECT FROM call_dead_letters AS letter
                WHERE (letter.run_id, letter.call_id, letter.record_id) = (rec.run_id, rec.call_id, rec.record_id)
                  AND letter.replayed_at IS NULL) AS in_dlq
  FROM call_records AS rec
 WHERE run_id = :run_id AND status NOT IN ('completed', 'no_recording')
 ORDER BY status = 'missing_audio', call_started_at, statistics_id
 LIMIT :most;

-- name: drifts(run_id, most)
SELECT call_id, record_id, duration_sec, audio_sec
  FROM call_records
 WHERE run_id = :run_id AND status = 'completed' AND audio_sec IS NOT NULL AND abs(audio_sec - duration_sec) >= 1
 ORDER BY abs(audio_sec - duration_sec) DESC, call_id, record_id
 LIMIT :most;

-- name: review_reasons(run_id)
SELECT reason, count(*) AS calls
  FROM call_records, unnest(review_reasons) AS reason
 WHERE run_id = :run_id AND status = 'completed' AND needs_review
 GROUP BY reason
 ORDER BY calls DESC, reason;

-- name: flagged(run_id, most)
SELECT call_id, record_id, call_started_at, portal_offset_sec, coalesce(audio_sec, 0) AS audio_sec, review_reasons,
       words_per_minute, confidence
  FROM call_records
 WHERE run_id = :run_id AND status = 'completed' AND needs_review
 ORDER BY call_started_at, statistics_id
 LIMIT :most;

-- name: transcript_paths(run_id, zone)
SELECT (call_started_at AT TIME ZONE :zone)::date AS day, transcript_path
  FROM call_records
 WHERE run_id = :run_id AND status = 'completed' AND transcript_path IS NOT NULL;

-- name: qa_sample(run_id, most)
-- Every stratum (direction, length, flag, line) gives one recording before any gives its second, then in proportion
-- to its size. The order inside is a hash seeded by the run: nobody picks, and the same run gives the same sample.
-- What was listened to stays listed, should later texts of a resumed run have taken its place.
WITH candidates AS (
    SELECT *, md5(concat_ws('/', run_id, call_id, record_id)) AS lot,
           width_bucket(coalesce(audio_sec, 0), ARRAY[60, 300]::numeric[]) AS length_class
      FROM call_records
     WHERE run_id = :run_id AND status = 'completed' AND transcript_path IS NOT NULL
), ranked AS (
    SELECT *, (row_number() OVER (stratum ORDER BY lot) - 1.0) / count(*) OVER (stratum) AS turn
      FROM candidates
    WINDOW stratum AS (PARTITION BY direction, length_class, needs_review, portal_number)
), drawn AS (
    SELECT *, row_number() OVER (ORDER BY turn, lot) <= :most AS sampled FROM ranked
)
SELECT call_id, record_id, call_started_at, portal_offset_sec, direction, coalesce(audio_sec, 0) AS audio_sec,
       portal_number, language, roles, review_reasons, transcript_path, result, coalesce(comment, '') AS comment,
       checked_by
  FROM drawn LEFT JOIN call_qa_checks USING (run_id, call_id, record_id)
 WHERE sampled OR result IS NOT NULL
 ORDER BY call_started_at, statistics_id;

-- name: dlq(run_id, most)
SELECT call_id, record_id, stage, error_code, error_message, first_failed_at, replayed_at
  FROM call_dead_letters
 WHERE run_id = :run_id AND (letter_run_id = run_id OR replayed_at IS NULL)
 ORDER BY first_failed_at, call_id, record_id
 LIMIT :most;

-- name: stages(run_id)
SELECT stage, min(at - make_interval(secs => coalesce(duration_ms, 0) / 1000.0)) AS first_at, max(at) AS last_at,
       count(*) AS events, coalesce(sum(duration_ms), 0) / 1000.0 AS busy_sec
  FROM call_events
 WHERE run_id = :run_id
 GROUP BY stage
 ORDER BY first_at;

-- name: portal_trouble(since, until)
-- The portal refuses whoever asks, so refusals carry no run: those of the run's own time count.
SELECT count(*) FILTER (WHERE event = 'portal_refused') AS refusals,
       count(*) FILTER (WHERE event = 'low_rate_on') AS low_rate_switches
  FROM call_events
 WHERE event IN ('portal_refused', 'low_rate_on')
   AND at BETWEEN :since AND :until;

-- name: estimate(run_id)
WITH records AS (
    SELECT *, status IN ('pending', 'downloading', 'downloaded', 'transcribing') AS to_buy
      FROM call_records
     WHERE run_id = :run_id
)
SELECT count(*) AS calls,
       count(*) FILTER (WHERE status NOT IN ('no_recording', 'missing_audio')) AS recordings,
       count(*) FILTER (WHERE reused_from_run_id IS NOT NULL) AS reused,
       count(*) FILTER (WHERE to_buy) AS to_buy,
       round(coalesce(sum(duration_sec) FILTER (WHERE to_buy), 0) / 60.0, 2) AS minutes,
       coalesce(sum(greatest(1, ceil(coalesce(audio_sec, duration_sec) / 60.0))) FILTER (WHERE to_buy), 0)::integer
           AS billed_minutes
  FROM records;

-- name: registry_turn(key)
-- Until the end of the transaction: who writes the file has read the rows after the writer before had stored his.
SELECT pg_advisory_xact_lock(hashtextextended('registry ' || :key, 0));

-- name: try_registry_turn(key)
SELECT pg_try_advisory_xact_lock(hashtextextended('registry ' || :key, 0));

-- name: live_registry_due(run_id, every, rest)
-- Not before `every` seconds of the run have passed, or since the last writing, nor before `rest` times what that took.
SELECT clock_timestamp() >= coalesce((metadata -> 'live_registry' ->> 'at')::timestamptz, started_at)
           + make_interval(secs => greatest(:every, :rest * (metadata -> 'live_registry' ->> 'seconds')::float))
  FROM call_exports
 WHERE run_id = :run_id AND status = 'running';

-- name: note_live_registry(run_id, seconds)!
UPDATE call_exports
   SET metadata = metadata || jsonb_build_object('live_registry',
           jsonb_build_object('at', clock_timestamp(), 'seconds', :seconds::float))
 WHERE run_id = :run_id;
