-- The figures of one run's report and estimate. Every query reads what `recordings` hold for the run's period now, and the
-- ledger; none changes a row.

-- name: run_facts
-- The run's own row, with what its history and its listing say of it.
SELECT run.run_id, run.status, run.actor, run.trigger, run.dry_run, run.generate_summary, run.period_from, run.period_to,
       run.started_at, run.finished_at,
       (SELECT at FROM call_events WHERE call_events.run_id = run.run_id ORDER BY id DESC LIMIT 1) AS last_event_at,
       -- the time between a question and its decision, and between an end and its resumption, is not working time
       (SELECT coalesce(sum(extract(epoch FROM until - at)), 0)::float
          FROM (SELECT event, at, lead(at) OVER (ORDER BY id) AS until FROM call_events
                 WHERE call_events.run_id = run.run_id AND call_id IS NULL
                   AND event IN ('running', 'completed', 'error', 'cancelled', 'approval_wanted', 'approved', 'refused',
                                 'approval_timed_out')) AS steps
         WHERE event IN ('completed', 'error', 'cancelled', 'approval_wanted')) AS idle_sec,
       run.currency_code, run.forecast_cost, run.approved_cost,
       -- the first forecast stays, like forecast_cost: a resumed run is compared with what was said before it spent money
       (SELECT (detail ->> 'minutes')::integer FROM call_events
         WHERE call_events.run_id = run.run_id AND call_id IS NULL AND event = 'planned'
         ORDER BY id LIMIT 1) AS forecast_minutes,
       decided.decision, decided.decided_by, decided.decided_at,
       (run.metadata ->> 'portal_total')::integer AS portal_total,
       (run.metadata ->> 'registered')::integer AS registered,
       coalesce((run.metadata ->> 'bad_rows')::integer, 0) AS bad_rows,
       coalesce((run.metadata ->> 'partly_read')::integer, 0) AS partly_read,
       coalesce((run.metadata ->> 'shared')::integer, 0) AS shared_rows,
       coalesce((run.metadata ->> 'erased')::integer, 0) AS erased_rows,
       coalesce((run.metadata ->> 'limit_calls')::integer, 0) AS limit_calls,
       coalesce((run.metadata ->> 'low_rate')::boolean, false) AS low_rate,
       (run.metadata ->> 'clock_offset_sec')::float AS clock_offset_sec,
       coalesce(run.metadata -> 'operating', '{}') AS operating,
       run.metadata ->> 'stop' AS stop, run.metadata ->> 'refused' AS refused
  FROM call_exports run
  LEFT JOIN LATERAL (
      SELECT event AS decision, detail ->> 'by' AS decided_by, at AS decided_at
        FROM call_events
       WHERE call_events.run_id = run.run_id AND call_id IS NULL
         AND event IN ('approved', 'refused', 'approval_timed_out')
       ORDER BY id DESC LIMIT 1) AS decided ON true
 WHERE run.run_id = :run_id;

-- name: run_totals
-- Sums over the report's recordings and over the ledger. A text that two recordings of one call share was bought once.
-- `came_since` bounds the recordings that the run's own listing did not bring: they were first listed after it began.
WITH reported AS MATERIALIZED (
    SELECT own.status = 'completed' AS has_text, own.status, own.call_id, own.checksum, own.duration_sec, own.audio_sec,
           own.needs_review, own.review_reasons, own.outcome, own.gone_at, own.listed_at, text.roles, text.confidence, text.source, text.run_id AS bought_by,
           ceil(coalesce(own.audio_sec, 0) / 60) AS billed,
           own.status = 'completed' AND text.run_id = own.run_id AND text.recording_id = own.recording_id AS bought
      FROM reported_recordings own LEFT JOIN transcripts text USING (transcript_id)
     WHERE own.run_id = :run_id
), again AS (
    SELECT count(*) - 1 AS times FROM reported WHERE bought AND checksum IS NOT NULL
     GROUP BY call_id, checksum
    HAVING count(*) > 1
), listing AS (
    SELECT (metadata ->> 'listing_began_at')::timestamptz AS began_at FROM call_exports WHERE run_id = :run_id
)
SELECT count(*) AS calls,
       count(*) FILTER (WHERE gone_at IS NOT NULL) AS gone,
       count(*) FILTER (WHERE listed_at >= (SELECT began_at FROM listing)) AS came_since,
       coalesce(sum(audio_sec) FILTER (WHERE has_text), 0) / 60 AS minutes,
       coalesce(sum(billed) FILTER (WHERE has_text), 0)::integer AS billed_minutes,
       coalesce(sum(billed) FILTER (WHERE bought), 0)::integer AS bought_minutes,
       -- whatever became of the recordings: pieces of one without a text may be paid for, or a text that was sent back
       (SELECT coalesce(sum(usd), 0) FROM charges WHERE run_id = :run_id) AS spent,
       (SELECT coalesce(sum(usd), 0) FROM charges WHERE run_id = :run_id AND purpose = 'summary') AS spent_on_summaries,
       (SELECT coalesce(sum(usd), 0) FROM charges
         WHERE run_id = :run_id AND purpose IN ('recognition', 'fallback')) AS spent_per_second,
       coalesce(sum(duration_sec) FILTER (WHERE has_text AND audio_sec IS NOT NULL), 0)::bigint AS portal_sec,
       coalesce(sum(audio_sec) FILTER (WHERE has_text), 0) AS audio_sec,
       count(*) FILTER (WHERE has_text AND bought_by <> :run_id) AS reused,
       count(*) FILTER (WHERE has_text AND source = 'portal') AS from_portal,
       count(*) FILTER (WHERE has_text AND needs_review) AS flagged,
       count(*) FILTER (WHERE has_text AND 'much_not_sent' = ANY(review_reasons)) AS much_not_sent,
       count(*) FILTER (WHERE has_text AND 'partly_unheard' = ANY(review_reasons)) AS partly_unheard,
       count(*) FILTER (WHERE has_text AND confidence IS NOT NULL) AS with_confidence,
       sum(confidence * audio_sec) FILTER (WHERE has_text) / nullif(sum(audio_sec) FILTER (WHERE has_text AND confidence IS NOT NULL), 0)
           AS confidence,
       count(*) FILTER (WHERE has_text AND 'low_confidence' = ANY(review_reasons)) AS unsure,
       count(*) FILTER (WHERE has_text AND roles IN ('none', 'diarized')) AS no_roles,
       -- talked, but no recording yet: a later run looks again
       count(*) FILTER (WHERE status = 'no_recording' AND outcome = 'answered' AND duration_sec > 0) AS late_expected,
       (SELECT count(DISTINCT recording_id) FROM call_events
         WHERE run_id = :run_id AND event = 'audio_changed') AS other_content,
       (SELECT coalesce(sum(times), 0)::bigint FROM again) AS duplicates
  FROM reported;

-- name: usual_offset
-- The telephony system's UTC offset, in seconds, of most calls of the period; no row without calls.
SELECT utc_offset_sec FROM reported_recordings
 WHERE run_id = :run_id
 GROUP BY 1
 ORDER BY count(*) DESC, 1
 LIMIT 1;

-- name: calls_by_day
-- Calls and minutes by status for each day of the time zone `zone`.
SELECT (call_started_at AT TIME ZONE :zone)::date AS day, status, count(*) AS calls,
       coalesce(sum(audio_sec) FILTER (WHERE status = 'completed'), 0) / 60 AS minutes
  FROM reported_recordings
 WHERE run_id = :run_id
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: money_by_day
-- By the day of the call: the cost of the period's texts, whichever run paid, and the payments of this run.
SELECT (own.call_started_at AT TIME ZONE :zone)::date AS day,
       coalesce(sum(paid.usd) FILTER (WHERE own.status = 'completed' AND text.recording_id = own.recording_id
                                        AND text.purchase_no = paid.purchase_no), 0) AS cost,
       coalesce(sum(paid.usd) FILTER (WHERE paid.run_id = :run_id), 0) AS spent
  FROM reported_recordings own
  JOIN charges paid USING (recording_id)
  LEFT JOIN transcripts text USING (transcript_id)
 WHERE own.run_id = :run_id
 GROUP BY 1;

-- name: gap_groups
-- Recordings without a text, by the reason.
SELECT status, error_code, CASE WHEN status = 'no_recording' THEN outcome END AS failed_code, count(*) AS calls
  FROM reported_recordings
 WHERE run_id = :run_id AND status <> 'completed'
 GROUP BY 1, 2, 3
 ORDER BY calls DESC, 1, 2, 3;

-- name: gaps
-- Recordings that should have a text and have none. Calls that never had a recording are counted by gap_groups and listed
-- in the registry.
SELECT own.recording_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec AS portal_offset_sec, own.duration_sec, own.status,
       own.error_code, own.error_message, letter.recording_id IS NOT NULL AS in_dlq
  FROM reported_recordings own
  LEFT JOIN dead_letters letter ON letter.recording_id = own.recording_id AND letter.replayed_at IS NULL
 WHERE own.run_id = :run_id AND own.status NOT IN ('completed', 'no_recording')
 ORDER BY own.status = 'missing_audio', own.call_started_at, own.statistics_id
 LIMIT :most;

-- name: drifts
-- The largest differences between the measured and the reported duration.
SELECT recording_id, call_id, record_id, duration_sec, audio_sec
  FROM reported_recordings
 WHERE run_id = :run_id AND status = 'completed' AND audio_sec IS NOT NULL AND abs(audio_sec - duration_sec) >= 1
 ORDER BY abs(audio_sec - duration_sec) DESC, call_id, record_id
 LIMIT :most;

-- name: review_reasons
-- How often each reason for a review occurs.
SELECT reason, count(*) AS calls
  FROM reported_recordings, unnest(review_reasons) AS reason
 WHERE run_id = :run_id AND status = 'completed' AND needs_review
 GROUP BY reason
 ORDER BY calls DESC, reason;

-- name: flagged
-- Texts that a person should look at.
SELECT own.recording_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec AS portal_offset_sec,
       coalesce(own.audio_sec, 0) AS audio_sec,
       own.review_reasons, text.words_per_minute, text.confidence
  FROM reported_recordings own LEFT JOIN transcripts text USING (transcript_id)
 WHERE own.run_id = :run_id AND own.status = 'completed' AND own.needs_review
 ORDER BY own.call_started_at, own.statistics_id
 LIMIT :most;

-- name: openings
-- The beginnings of the texts of incoming calls whose roles are those of their channels.
SELECT own.phone_line, left(text.body, :most) AS text
  FROM reported_recordings own JOIN transcripts text USING (transcript_id)
 WHERE own.run_id = :run_id AND own.status = 'completed' AND own.direction = 'inbound' AND text.roles = 'channels';

-- name: qa_sample
-- Each stratum (direction, length, flag, phone line, confidence) gives one recording before any gives its second, then in
-- proportion to its size; a text whose recogniser is not sure counts three times (below 0.58 most texts are bad, docs/audio.md),
-- one with a middling confidence twice. The order within a stratum is a hash seeded by the run, so nobody chooses and the run's sample is always
-- the same. Recordings with a verdict from a sample of the same folder stay listed, even if the sample has changed since.
WITH candidates AS (
    SELECT own.recording_id, md5(concat_ws('/', own.run_id, call_id, record_id)) AS lot, direction, needs_review, phone_line,
           width_bucket(coalesce(audio_sec, 0), ARRAY[60, 300]::numeric[]) AS length_class,
           CASE WHEN confidence < 0.58 THEN 3 WHEN confidence < 0.71 THEN 2 ELSE 1 END AS weight
      FROM reported_recordings own LEFT JOIN transcripts text USING (transcript_id)
     WHERE own.run_id = :run_id AND status = 'completed' AND transcript_path IS NOT NULL
), ranked AS (
    SELECT recording_id, lot,
           (row_number() OVER (stratum ORDER BY lot) - 1.0) / count(*) OVER (stratum) / weight AS place
      FROM candidates
    WINDOW stratum AS (PARTITION BY direction, length_class, needs_review, phone_line, weight)
), of_the_folder AS (
    SELECT run.run_id
      FROM call_exports run JOIN call_exports own ON own.run_id = :run_id
     WHERE (run.period_from AT TIME ZONE 'UTC')::date = (own.period_from AT TIME ZONE 'UTC')::date
       AND (run.period_to AT TIME ZONE 'UTC')::date = (own.period_to AT TIME ZONE 'UTC')::date
), listed AS (
    (SELECT recording_id FROM ranked ORDER BY place, lot LIMIT :most)
    UNION
    SELECT recording_id FROM candidates JOIN call_qa_checks USING (recording_id)
     WHERE call_qa_checks.run_id IN (SELECT run_id FROM of_the_folder)
)
SELECT own.recording_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec AS portal_offset_sec, own.direction,
       coalesce(own.audio_sec, 0) AS audio_sec, own.phone_line AS portal_number, text.language, text.roles, own.review_reasons,
       own.transcript_path, known.result, coalesce(known.comment, '') AS comment, known.checked_by
  FROM listed
  JOIN recordings own USING (recording_id)
  LEFT JOIN transcripts text USING (transcript_id)
  LEFT JOIN call_qa_checks known ON known.recording_id = own.recording_id
 ORDER BY own.call_started_at, own.statistics_id;

-- name: dead_letters
-- Dead letters of the period's recordings: those that this run wrote, and those that wait.
SELECT own.recording_id, own.call_id, own.record_id, letter.stage, letter.error_code, letter.error_message, letter.first_failed_at,
       letter.replayed_at
  FROM dead_letters letter JOIN reported_recordings own USING (recording_id)
 WHERE own.run_id = :run_id AND (letter.run_id = own.run_id OR letter.replayed_at IS NULL)
 ORDER BY letter.first_failed_at, own.call_id, own.record_id
 LIMIT :most;

-- name: stages
-- When each stage of the run began and ended, and the working time of all its workers.
SELECT stage, min(at - make_interval(secs => coalesce(duration_ms, 0) / 1000.0)) AS first_at, max(at) AS last_at,
       count(*) AS events, coalesce(sum(duration_ms), 0) / 1000.0 AS busy_sec
  FROM call_events
 WHERE run_id = :run_id
 GROUP BY stage
 ORDER BY first_at;

-- name: portal_trouble
-- Refusals of the portal between two instants. They concern all runs, so the events carry no run.
SELECT count(*) FILTER (WHERE event = 'portal_refused') AS refusals,
       count(*) FILTER (WHERE event = 'low_rate_on') AS low_rate_switches
  FROM call_events
 WHERE event IN ('portal_refused', 'low_rate_on')
   AND at BETWEEN :since AND :until;

-- name: estimate
-- Calls of the period, those that have a recording, those that have a text already, and those whose text has ended with
-- its retention period.
SELECT count(*) AS calls,
       count(*) FILTER (WHERE status NOT IN ('no_recording', 'missing_audio')) AS recordings,
       count(*) FILTER (WHERE status = 'completed' AND text_ended_at IS NULL) AS reused,
       count(*) FILTER (WHERE status <> 'no_recording' AND text_ended_at IS NOT NULL) AS ended
  FROM reported_recordings
 WHERE run_id = :run_id;
