-- Stored recordings through another engine, beside the texts that they have. `engine` is a model's name, with @ and the
-- connection if the model is at another address than the recogniser's.

-- Paid responses, kept until the recording is heard whole: a replay that ends early buys no piece twice.
CREATE TABLE replay_responses (
    checksum    text NOT NULL,                       -- sha256 of the whole recording
    piece       text NOT NULL,                       -- channel, times and recognition options of the piece
    engine      text NOT NULL,
    response    jsonb NOT NULL,
    seconds     numeric(12, 3) NOT NULL,             -- from the request to the response
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checksum, piece, engine)
);
CREATE INDEX replay_responses_by_age ON replay_responses (received_at);

-- What an engine heard of a recording, compared with the recording's text. The words are in the file.
CREATE TABLE replays (
    recording_id  bigint NOT NULL REFERENCES recordings (recording_id),
    engine        text NOT NULL,
    checksum      text NOT NULL,                     -- of the audio that was heard
    path          text NOT NULL,                     -- storage key of the recognition
    audio_sec     numeric(12, 3) NOT NULL,
    seconds       numeric(12, 3) NOT NULL,           -- of work: the sum of its responses
    against       bigint NOT NULL REFERENCES transcripts (transcript_id),  -- the text that it was compared with
    words         integer NOT NULL,                  -- of that text
    substitutions integer NOT NULL,
    deletions     integer NOT NULL,
    insertions    integer NOT NULL,
    heard_at      timestamptz NOT NULL DEFAULT now(),
    adopted_at    timestamptz,                       -- a person made it the recording's text
    adopted_by    text,
    PRIMARY KEY (recording_id, engine)
);

-- A replay is paid by no run and for no text: purchase 0. Adopted, it is the purchase of the text that it became.
CREATE OR REPLACE VIEW call_records AS
SELECT own.run_id, own.call_id, own.record_id, own.statistics_id, own.status, own.direction, own.from_number,
       own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.duration_sec, own.audio_sec,
       own.recording_url, own.raw_path, own.checksum, own.transcript_path, own.summary_path, own.tags, text.language,
       text.roles, text.source, text.model,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce((
           SELECT sum(usd) FROM charges paid
            WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
              AND paid.purpose IN ('recognition', 'fallback', 'rounding', 'replay')), 0) END AS cost,
       'USD'::text AS currency_code, own.attempts, own.error_code, own.error_message, own.needs_review,
       own.review_reasons, nullif(text.run_id, own.run_id) AS reused_from_run_id, own.updated_at,
       own.retry_count, own.phone_line, own.utc_offset_sec, own.outcome, own.outcome_code, own.recording_ref,
       text.preview AS text_preview, work.batch_no, own.first_failed_at, own.stage_attempts, own.recording_id,
       own.transcript_id, text.confidence, text.role_signs
  FROM reported_recordings own
  LEFT JOIN transcripts text USING (transcript_id)
  LEFT JOIN run_work work ON work.run_id = own.run_id AND work.recording_id = own.recording_id;
