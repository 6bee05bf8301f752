-- Paid answers waiting for their transcript, and the dead letter queue.

-- name: saved_answers
SELECT piece, answer FROM recognition_answers WHERE checksum = :checksum AND model = :model;

-- name: save_answer!
INSERT INTO recognition_answers (checksum, piece, model, answer)
VALUES (:checksum, :piece, :model, :answer)
ON CONFLICT DO NOTHING;

-- name: forget_answers!
DELETE FROM recognition_answers WHERE checksum = :checksum;

-- name: move_to_dlq!
WITH failing AS (
    SELECT run_id, call_id, record_id, status, error_code, error_message, first_failed_at,
           CASE WHEN raw_path IS NULL THEN 'download' ELSE 'transcribe' END AS stage
      FROM call_records
     WHERE run_id = :run_id AND status IN ('error', 'pending', 'downloaded') AND first_failed_at < :failed_before
       FOR UPDATE
), queued AS (
    INSERT INTO call_export_dlq (run_id, call_id, record_id, stage, error_code, error_message, first_failed_at)
    SELECT run_id, call_id, record_id, stage, error_code, error_message, first_failed_at FROM failing
    ON CONFLICT (run_id, call_id, record_id) DO UPDATE
       SET stage = excluded.stage, error_code = excluded.error_code, error_message = excluded.error_message,
           first_failed_at = excluded.first_failed_at, moved_at = now(), replayed_at = NULL
     WHERE call_export_dlq.replayed_at IS NOT NULL
    RETURNING run_id, call_id, record_id, stage, error_code
), given_up AS (
    UPDATE call_records own
       SET status = 'error', updated_at = now()
      FROM queued
     WHERE own.run_id = queued.run_id AND own.call_id = queued.call_id AND own.record_id = queued.record_id
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, error_code)
SELECT run_id, call_id, record_id, stage, 'moved_to_dlq', error_code FROM queued;

-- name: dlq
SELECT run_id, call_id, record_id, stage, error_code, error_message, first_failed_at, moved_at, replayed_at
  FROM call_export_dlq
 WHERE run_id = :run_id
 ORDER BY first_failed_at, call_id, record_id;

-- name: replay!
WITH replayed AS (
    UPDATE call_export_dlq SET replayed_at = now()
     WHERE run_id = :run_id AND replayed_at IS NULL
    RETURNING run_id, call_id, record_id
), moved AS (
    UPDATE call_records own
       SET status = CASE WHEN raw_path IS NOT NULL AND checksum IS NOT NULL THEN 'downloaded' ELSE 'pending' END,
           first_failed_at = NULL, stage_attempts = 0, batch_no = NULL, updated_at = now()
      FROM replayed
     WHERE own.run_id = replayed.run_id AND own.call_id = replayed.call_id AND own.record_id = replayed.record_id
       AND own.status = 'error'
    RETURNING own.run_id, own.call_id, own.record_id, own.status
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT run_id, call_id, record_id, :stage, status, '{"from": "error", "why": "replayed from the DLQ"}' FROM moved;
