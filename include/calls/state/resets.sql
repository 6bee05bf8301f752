-- A person begins the work on a period anew.

-- name: reset
-- Every recording of the period (of some lines, of one call) with what becomes of it, and, if :does, the moves: a text or a
-- failure goes back to the audio that is stored, or to the portal where there is none. A text keeps its row in `transcripts`
-- and its file until another one takes its place; a completed recording gets a new purchase. Returns figures by outcome.
WITH looked AS MATERIALIZED (
    SELECT own.recording_id, own.status AS was, own.raw_path IS NOT NULL AND own.checksum IS NOT NULL AS stored,
           own.status = ANY(:with_text) AS has_text, own.summary_path IS NOT NULL AS has_summary,
           greatest(1, ceil(coalesce(own.audio_sec, own.duration_sec) / 60.0))::integer AS minutes,
           coalesce((SELECT sum(paid.usd) FROM charges paid
                      WHERE paid.recording_id = own.recording_id AND paid.purchase_no = own.purchase_no), 0) AS paid,
           CASE WHEN own.status = ANY(:at_work)
                     OR EXISTS (SELECT FROM work_in_progress task WHERE task.recording_id = own.recording_id)
                     OR EXISTS (SELECT FROM call_exports run JOIN run_work work USING (run_id)
                                 WHERE run.status = ANY(:not_ended) AND work.recording_id = own.recording_id)
                THEN :is_at_work
                WHEN own.text_ended_at IS NOT NULL THEN :is_ended
                WHEN is_held(own) THEN :is_held
                WHEN own.status <> ALL(:expected) THEN :is_unfinished
                WHEN own.status <> ALL(:with_text) THEN :is_reset
                WHEN text.recording_id IS DISTINCT FROM own.recording_id THEN :is_shared
                WHEN own.raw_path IS NULL OR own.checksum IS NULL THEN :is_without_audio
                ELSE :is_reset END AS outcome
      FROM recordings own
      LEFT JOIN transcripts text USING (transcript_id)
     WHERE own.status <> ALL(:nothing_to_do)
       AND own.call_started_at >= :period_from AND own.call_started_at < :period_to::timestamptz + interval '1 second'
       AND (:lines::text[] IS NULL OR own.phone_line = ANY(:lines))
       AND (:call_id::text IS NULL OR own.call_id = :call_id)
       FOR NO KEY UPDATE OF own
), moved AS (
    UPDATE recordings own
       SET status = CASE WHEN looked.stored AND looked.was <> ALL(:missing) THEN :stored_to ELSE :to END, updated_at = now(),
           purchase_no = own.purchase_no + looked.has_text::integer, error_code = NULL, error_message = NULL,
           first_failed_at = NULL, stage_attempts = 0, deaths = 0, missing_since = NULL, look_again_on = NULL
      FROM looked
     WHERE :does::boolean AND own.recording_id = looked.recording_id AND looked.outcome = :is_reset
       AND own.status = ANY(:expected) AND own.status = looked.was
    RETURNING own.recording_id, own.call_id, own.record_id, own.status, looked.was
), replayed AS (
    UPDATE dead_letters letter SET replayed_at = now()
      FROM moved WHERE letter.recording_id = moved.recording_id AND letter.replayed_at IS NULL
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
    SELECT NULL, call_id, record_id, recording_id, :stage, status,
           jsonb_build_object('from', was, 'why', 'reset by a person', 'by', :actor::text) FROM moved
)
SELECT outcome, count(*)::integer AS recordings, sum(minutes)::integer AS minutes,
       (count(*) FILTER (WHERE has_text))::integer AS texts, (count(*) FILTER (WHERE has_summary))::integer AS summaries,
       sum(paid) AS paid
  FROM looked GROUP BY outcome;
