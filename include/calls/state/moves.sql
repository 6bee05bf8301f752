-- Moves of recordings from status to status: guarded, each with its event, in one statement. Statuses given as parameters
-- are checked against the state machine before they come here.
-- Rows are locked FOR NO KEY UPDATE: a row of another table that refers to a recording waits for none of these moves.

-- name: move!
-- One recording. `takes`: the run takes it to work. A recording at work belongs to the run in work_in_progress, and to
-- the claim (`owner`) under which it was taken: nobody else moves it, and by moving it they give it up. `columns` are new values of the columns in the SET list; a column
-- that is not among them stays.
WITH old AS (
    SELECT own.recording_id, own.status AS was, task.since
      FROM recordings own
      LEFT JOIN work_in_progress task ON task.recording_id = own.recording_id AND task.run_id = :run_id
                                      AND task.owner IS NOT DISTINCT FROM :owner
     WHERE own.recording_id = :recording_id AND own.status = ANY(:expected)
       AND (own.status <> ALL(:at_work) OR task.recording_id IS NOT NULL)
       FOR NO KEY UPDATE OF own
), taken AS (
    INSERT INTO work_in_progress (recording_id, run_id, stage, process, owner)
    SELECT recording_id, :run_id, :stage, :process, :owner FROM old WHERE :takes::boolean
    ON CONFLICT (recording_id) DO UPDATE  -- the status says that no task works on it: a leftover
       SET run_id = excluded.run_id, stage = excluded.stage, process = excluded.process, owner = excluded.owner,
           since = excluded.since
), given AS (
    DELETE FROM work_in_progress task USING old
     WHERE NOT :takes::boolean AND task.recording_id = old.recording_id AND task.run_id = :run_id
), moved AS (
    UPDATE recordings own
       SET status = :to, updated_at = now(), attempts = own.attempts + :attempts_plus,
           (raw_path, checksum, audio_sec, file_name, transcript_id, transcript_path, summary_path, tags, needs_review,
            review_reasons, stage_attempts, missing_since, look_again_on)
         = (SELECT raw_path, checksum, audio_sec, file_name, transcript_id, transcript_path, summary_path, tags,
                   needs_review, review_reasons, stage_attempts, missing_since, look_again_on
              FROM jsonb_populate_record(own, :columns::jsonb)),
           text_at = CASE WHEN :has_text::boolean THEN now() ELSE own.text_at END,
           recognition_ended_at = CASE WHEN NOT :has_text::boolean THEN own.recognition_ended_at END,
           deaths = CASE WHEN :passed::boolean THEN 0 ELSE own.deaths END,
           error_code = CASE WHEN :passed::boolean THEN NULL ELSE coalesce(:error_code::text, own.error_code) END,
           error_message = CASE WHEN :passed::boolean THEN NULL ELSE coalesce(:error_message::text, own.error_message) END,
           first_failed_at = CASE WHEN :passed::boolean THEN NULL
                                  WHEN :counts::boolean THEN coalesce(own.first_failed_at, now())
                                  ELSE own.first_failed_at END
      FROM old
     WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, own.portal_id, own.call_id, own.record_id, own.transcript_id, own.transcript_path,
              own.audio_sec, own.needs_review, own.review_reasons, old.was,
              CASE WHEN :ends::boolean
                   THEN (extract(epoch FROM clock_timestamp() - old.since) * 1000)::integer END AS took_ms
), followed AS (  -- recordings with the same bytes show the new text too
    UPDATE recordings twin
       SET transcript_id = moved.transcript_id, transcript_path = moved.transcript_path, summary_path = NULL, tags = '{}',
           needs_review = moved.needs_review, review_reasons = moved.review_reasons, text_at = now(), updated_at = now()
      FROM moved JOIN transcripts earlier ON earlier.recording_id = moved.recording_id
     WHERE :has_text::boolean AND twin.portal_id = moved.portal_id AND twin.call_id = moved.call_id
       AND twin.recording_id <> moved.recording_id AND twin.transcript_id = earlier.transcript_id
       AND twin.transcript_id <> moved.transcript_id
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, duration_ms, error_code, detail)
SELECT :run_id, call_id, record_id, moved.recording_id, :stage, :to::text, took_ms, :error_code::text,
       jsonb_build_object('from', was)
       || CASE WHEN :has_text::boolean THEN jsonb_build_object('audio_sec', audio_sec, 'sha256', text.sha256) ELSE '{}' END
       || :detail::jsonb
  FROM moved LEFT JOIN transcripts text USING (transcript_id);

-- name: take_back
-- What a dead task of any run left at work. Called under the claim on its call, which proves that the task is dead.
-- Returns how many tasks have died on the recording.
WITH old AS (
    SELECT own.recording_id, own.status AS was, task.run_id AS holder
      FROM recordings own LEFT JOIN work_in_progress task USING (recording_id)
     WHERE own.recording_id = :recording_id AND own.status = ANY(:expected)
       FOR NO KEY UPDATE OF own
), given AS (
    DELETE FROM work_in_progress task USING old WHERE task.recording_id = old.recording_id
), moved AS (
    UPDATE recordings own SET status = :to, deaths = own.deaths + 1, updated_at = now()
      FROM old WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, own.deaths, old.was, old.holder
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
    SELECT :run_id, call_id, record_id, recording_id, :stage, :to::text,
           jsonb_build_object('from', was, 'why', 'the task died', 'held_by', holder, 'deaths', deaths)
      FROM moved
)
SELECT deaths FROM moved;

-- name: reopen_batch!
-- Errors of one batch are tried again by a cleared task; recordings in the DLQ are not.
WITH old AS (
    SELECT own.recording_id, own.status AS was
      FROM run_work work JOIN recordings own USING (recording_id)
     WHERE work.run_id = :run_id AND work.batch_no = :batch_no AND own.status = ANY(:expected)
       AND (own.raw_path IS NOT NULL AND own.checksum IS NOT NULL) = :stored::boolean
       AND NOT EXISTS (SELECT FROM dead_letters letter
                        WHERE letter.recording_id = own.recording_id AND letter.replayed_at IS NULL)
       FOR NO KEY UPDATE OF own
), moved AS (
    UPDATE recordings own SET status = :to, stage_attempts = 0, deaths = 0, updated_at = now()
      FROM old WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, old.was
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
SELECT :run_id, call_id, record_id, recording_id, :stage, :to::text,
       jsonb_build_object('from', was, 'why', 'tried again') FROM moved;

-- name: take_up
-- Everything of the run's period that is to be done becomes its work: what is unfinished, in error, or was missing and is
-- due tonight. `resumed`: a person asks, so missing audio is tried whenever it is due, and deaths are forgotten.
-- `summaries`: texts without a summary, too. What has ended with its retention period is never taken up. Returns how many
-- recordings.
WITH due AS MATERIALIZED (
    SELECT own.recording_id, own.status AS was,
           own.raw_path IS NOT NULL AND own.checksum IS NOT NULL AS stored
      FROM reported_recordings own
     WHERE own.run_id = :run_id
       AND (own.gone_at IS NULL OR own.raw_path IS NOT NULL) AND own.text_ended_at IS NULL
       AND (own.status = ANY(:unfinished) OR own.status = ANY(:failed)
            OR own.status = ANY(:missing) AND (:resumed::boolean OR own.look_again_on <= :tonight::date)
            OR :summaries::boolean AND own.status = ANY(:with_text) AND own.summary_path IS NULL
               AND EXISTS (SELECT FROM transcripts text WHERE text.transcript_id = own.transcript_id AND text.body <> ''))
       AND NOT EXISTS (SELECT FROM dead_letters letter
                        WHERE letter.recording_id = own.recording_id AND letter.replayed_at IS NULL)
), moved AS (
    UPDATE recordings own
       SET status = CASE WHEN due.stored AND due.was = ANY(:failed) THEN :stored_to ELSE :to END, stage_attempts = 0,
           deaths = CASE WHEN :resumed::boolean THEN 0 ELSE own.deaths END, updated_at = now()
      FROM due
     WHERE own.recording_id = due.recording_id AND due.was = ANY(:expected) AND own.status = due.was
    RETURNING own.recording_id, own.call_id, own.record_id, own.status, due.was
), work AS (
    INSERT INTO run_work (run_id, recording_id) SELECT :run_id, recording_id FROM due ON CONFLICT DO NOTHING
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
    SELECT :run_id, call_id, record_id, recording_id, :stage, status,
           jsonb_build_object('from', was, 'why', 'taken up again') FROM moved
)
SELECT count(*) FROM due;

-- name: share_text!
-- Another recording of the call has the same bytes and a text: this recording shows that text, nothing is paid. A text
-- that has ended with its retention period is not bought again: then this recording has ended, too.
WITH old AS (
    SELECT own.recording_id, own.status AS was, twin.recording_id AS twin_id, twin.transcript_id, twin.transcript_path,
           twin.audio_sec, twin.needs_review, twin.review_reasons, twin.text_ended_at, twin.error_code
      FROM recordings own
      JOIN recordings twin
        ON twin.portal_id = own.portal_id AND twin.call_id = own.call_id AND twin.checksum = own.checksum
       AND twin.recording_id <> own.recording_id AND twin.status = ANY(:with_text) AND twin.transcript_id IS NOT NULL
     WHERE own.recording_id = :recording_id AND own.status = ANY(:expected) AND own.transcript_id IS NULL
     ORDER BY twin.recording_id
     LIMIT 1
       FOR NO KEY UPDATE OF own
), moved AS (
    UPDATE recordings own
       SET status = :to, transcript_id = old.transcript_id, transcript_path = old.transcript_path,
           audio_sec = old.audio_sec, needs_review = old.needs_review, review_reasons = old.review_reasons,
           text_at = now(), updated_at = now(), text_ended_at = old.text_ended_at, error_message = NULL,
           error_code = CASE WHEN old.text_ended_at IS NOT NULL THEN old.error_code END, first_failed_at = NULL,
           stage_attempts = 0, deaths = 0
      FROM old WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, old.was, old.twin_id
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
SELECT :run_id, call_id, record_id, recording_id, :stage, :to::text,
       jsonb_build_object('from', was, 'same_bytes_as', twin_id) FROM moved;
