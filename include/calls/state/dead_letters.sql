-- Recordings that have failed for too long: one letter per recording, whichever run gave it up.

-- name: move_to_dlq!
-- Failing recordings of the run's period whose first failure is old enough leave the ordinary retries. After a replay
-- only a newer failure counts.
WITH failing AS (
    SELECT own.recording_id, own.status AS was, own.error_code, own.error_message, own.first_failed_at,
           CASE WHEN own.raw_path IS NULL THEN 'download' ELSE 'transcribe' END AS stage
      FROM recordings own
     WHERE own.recording_id IN (SELECT recording_id FROM reported_recordings WHERE run_id = :run_id)
       AND own.first_failed_at < :failed_before AND own.status = ANY(:failing)
       AND NOT EXISTS (SELECT FROM dead_letters letter
                        WHERE letter.recording_id = own.recording_id
                          AND (letter.replayed_at IS NULL OR letter.replayed_at > own.first_failed_at))
       AND NOT EXISTS (SELECT FROM work_in_progress task WHERE task.recording_id = own.recording_id)
       FOR NO KEY UPDATE OF own
), queued AS (
    INSERT INTO dead_letters (recording_id, run_id, stage, error_code, error_message, first_failed_at)
    SELECT recording_id, :run_id, stage, error_code, error_message, first_failed_at FROM failing
    ON CONFLICT (recording_id) DO UPDATE
       SET run_id = excluded.run_id, stage = excluded.stage, error_code = excluded.error_code,
           error_message = excluded.error_message, first_failed_at = excluded.first_failed_at, moved_at = now(),
           replayed_at = NULL
), moved AS (
    UPDATE recordings own
       SET status = :to, updated_at = now(),
           error_message = 'in the dead letter queue since ' || (now() AT TIME ZONE 'UTC')::date || ': '
                           || coalesce(own.error_message, 'no details')
      FROM failing WHERE own.recording_id = failing.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, failing.stage, failing.error_code, failing.was
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, error_code, detail)
    SELECT :run_id, call_id, record_id, recording_id, stage, :to, error_code,
           jsonb_build_object('from', was, 'why', 'failing for too long')
      FROM moved WHERE was = ANY(:expected)
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, error_code)
SELECT :run_id, call_id, record_id, recording_id, stage, 'moved_to_dlq', error_code FROM moved;

-- name: replay!
-- Waiting letters of the run's period: the recordings are tried again.
WITH letters AS (
    UPDATE dead_letters letter SET replayed_at = now()
     WHERE replayed_at IS NULL
       AND recording_id IN (SELECT recording_id FROM reported_recordings WHERE run_id = :run_id)
    RETURNING recording_id
), old AS (
    SELECT own.recording_id, own.status AS was FROM letters JOIN recordings own USING (recording_id)
     WHERE own.status = ANY(:expected)
       FOR NO KEY UPDATE OF own
), moved AS (
    UPDATE recordings own
       SET status = CASE WHEN raw_path IS NOT NULL AND checksum IS NOT NULL THEN :stored_to ELSE :to END,
           first_failed_at = NULL, stage_attempts = 0, deaths = 0, updated_at = now()
      FROM old WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, own.status, old.was
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
SELECT :run_id, call_id, record_id, recording_id, :stage, status,
       jsonb_build_object('from', was, 'why', 'replayed from the DLQ')
  FROM moved;

-- name: of_run
-- Letters of the run's period: those that the run wrote, and those that wait.
SELECT letter.run_id, own.call_id, own.record_id, letter.stage, letter.error_code, letter.error_message,
       letter.first_failed_at, letter.moved_at, letter.replayed_at
  FROM dead_letters letter JOIN reported_recordings own USING (recording_id)
 WHERE own.run_id = :run_id AND (letter.run_id = own.run_id OR letter.replayed_at IS NULL)
 ORDER BY letter.first_failed_at, own.call_id, own.record_id
 LIMIT :most;
