-- Speakers that a model has told apart become operator and client where enough signs say so.
ALTER TABLE transcripts DROP CONSTRAINT transcripts_roles_check;
ALTER TABLE transcripts ADD CONSTRAINT transcripts_roles_check
    CHECK (roles IN ('channels', 'evidence', 'diarized', 'none'));
ALTER TABLE transcripts ADD COLUMN role_signs smallint;  -- the fewest signs that decided on a speaker; NULL if none did

CREATE OR REPLACE VIEW call_records AS
SELECT own.run_id, own.call_id, own.record_id, own.statistics_id, own.status, own.direction, own.from_number,
       own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.duration_sec, own.audio_sec,
       own.recording_url, own.raw_path, own.checksum, own.transcript_path, own.summary_path, own.tags, text.language,
       text.roles, text.source, text.model,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce((
           SELECT sum(usd) FROM charges paid
            WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
              AND paid.purpose IN ('recognition', 'fallback', 'rounding')), 0) END AS cost,
       'USD'::text AS currency_code, own.attempts, own.error_code, own.error_message, own.needs_review,
       own.review_reasons, nullif(text.run_id, own.run_id) AS reused_from_run_id, own.updated_at,
       own.retry_count, own.phone_line, own.utc_offset_sec, own.outcome, own.outcome_code, own.recording_ref,
       text.preview AS text_preview, work.batch_no, own.first_failed_at, own.stage_attempts, own.recording_id,
       own.transcript_id, text.confidence, text.role_signs
  FROM reported_recordings own
  LEFT JOIN transcripts text USING (transcript_id)
  LEFT JOIN run_work work ON work.run_id = own.run_id AND work.recording_id = own.recording_id;
