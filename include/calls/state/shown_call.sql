-- One call as the call browser shows it.

-- name: card
-- What is known of the recording, whatever its status; the newest run whose period has it.
SELECT own.recording_id, own.portal_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec, own.direction,
       own.phone_line, own.from_number, own.to_number, own.employee_id, own.employee_name, own.duration_sec, own.status,
       own.error_code, CASE WHEN own.needs_review THEN own.review_reasons ELSE '{}' END AS flags, own.tags,
       own.outcome, own.raw_path, own.checksum, own.audio_sec, own.file_name, own.transcript_path, own.summary_path,
       own.text_ended_at, own.recognition_ended_at, own.transcript_id, text.recording_id AS text_of,
       text.sha256 AS text_sha256, text.language, text.roles, text.model, text.source,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce((
           SELECT sum(usd) FROM charges paid
            WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
              AND paid.purpose IN ('recognition', 'fallback', 'rounding')), 0) END AS cost_usd,
       judged.result AS verdict, judged.comment AS verdict_comment, judged.checked_by, judged.checked_at,
       judged.transcript_id AS judged_transcript_id, is_held(own) AS held,
       run.run_id, run.dag_run_id, run.status AS run_status
  FROM recordings own
  LEFT JOIN transcripts text ON text.transcript_id = own.transcript_id
  LEFT JOIN call_qa_checks judged ON judged.recording_id = own.recording_id
  LEFT JOIN LATERAL (
       SELECT shown.run_id, shown.dag_run_id, shown.status
         FROM call_exports shown
        WHERE shown.portal_id = own.portal_id AND own.call_started_at >= shown.period_from
          AND own.call_started_at < shown.period_to + interval '1 second'
          AND own.statistics_id <= coalesce(shown.last_statistics_id, 9223372036854775807)
          AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL)
        ORDER BY shown.due_at DESC, shown.run_id
        LIMIT 1) run ON true
 WHERE own.recording_id = :recording_id
   AND in_scope(own.phone_line, own.employee_id, :scope_lines::text[], :scope_employees::text[]);

-- name: lock
-- One reader at a time judges or corrects a recording.
SELECT 1 FROM recordings WHERE recording_id = :recording_id FOR NO KEY UPDATE;

-- name: body
-- The present text of a recording.
SELECT body FROM transcripts WHERE transcript_id = :transcript_id;

-- name: history
-- Everything that happened to the recording, in order.
SELECT at, run_id, call_id, record_id, stage, event, duration_ms, error_code, detail
  FROM call_events WHERE recording_id = :recording_id ORDER BY id LIMIT :most;

-- name: payments
-- What was paid for the recording.
SELECT at, purpose, model, usd FROM charges WHERE recording_id = :recording_id ORDER BY at;

-- name: one_listener
-- Two requests of one player wait for each other, so that its hearing is noted once.
SELECT pg_advisory_xact_lock(hashtextextended(:actor || '/' || :recording_id::text, 7));

-- name: noted_in_hour
-- How often a person did this in the last hour, counted to :most. The log is shared by all api-servers.
SELECT count(*) FROM (
    SELECT FROM audit_log WHERE actor = :actor AND at > now() - interval '1 hour' AND action = :action LIMIT :most
) lately;

-- name: noted_lately
-- Whether the reader's action with this call is in the audit log already, not longer ago than so many minutes.
SELECT EXISTS (
    SELECT FROM audit_log
     WHERE at > now() - make_interval(mins => :minutes) AND action = :action AND actor = :actor
       AND detail ->> 'call' = :recording_id::text);
