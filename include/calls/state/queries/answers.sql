-- Paid answers waiting for their transcript, and the dead letter queue.

-- name: saved_answers
SELECT piece, answer FROM recognition_answers WHERE checksum = :checksum AND model = :model;

-- name: saved_answer
SELECT answer FROM recognition_answers WHERE checksum = :checksum AND piece = :piece AND model = :model;

-- name: save_answer!
-- With its price in the row of the recording it was bought for, if one is named: saved twice it is paid once.
WITH saved AS (
    INSERT INTO recognition_answers (checksum, piece, model, answer)
    VALUES (:checksum, :piece, :model, :answer)
    ON CONFLICT DO NOTHING
    RETURNING checksum
)
UPDATE call_records SET spent_unfinished = spent_unfinished + :price::numeric
  FROM saved
 WHERE run_id = :run_id::uuid AND call_id = :call_id::text AND record_id = :record_id::text;

-- name: forget_answers!
DELETE FROM recognition_answers WHERE checksum = :checksum;

-- name: forget_old_answers!
DELETE FROM recognition_answers WHERE answered_at < :answered_before;

-- name: move_to_dlq!
-- Each night's run lists a recording anew, so the first failure is looked for in all runs: of the same stage, and since
-- the last replay.
WITH failing AS (
    SELECT own.run_id, own.call_id, own.record_id, own.status AS was, own.error_code, own.error_message,
           since.first_failed_at,
           CASE WHEN own.raw_path IS NULL THEN 'download' ELSE 'transcribe' END AS stage
      FROM call_records own
     CROSS JOIN LATERAL (
         SELECT min(past.first_failed_at) AS first_failed_at
           FROM call_records past
          WHERE past.call_id = own.call_id
            AND (past.record_id = own.record_id OR past.statistics_id = own.statistics_id)
            AND past.status = ANY(:failing)
            AND (past.raw_path IS NULL) = (own.raw_path IS NULL)
            AND past.first_failed_at > coalesce((
                    SELECT max(letter.replayed_at) FROM call_dead_letters letter
                     WHERE letter.run_id = own.run_id AND letter.call_id = own.call_id
                       AND letter.record_id = own.record_id), '-infinity')
     ) since
     WHERE own.run_id = :run_id AND own.status = ANY(:failing)
       AND own.first_failed_at IS NOT NULL AND since.first_failed_at < :failed_before
       AND NOT EXISTS (SELECT FROM call_dead_letters letter
                        WHERE letter.run_id = own.run_id AND letter.call_id = own.call_id
                          AND letter.record_id = own.record_id AND letter.replayed_at IS NULL)
       FOR UPDATE OF own
), queued AS (
    INSERT INTO call_export_dlq (run_id, call_id, record_id, stage, error_code, error_message, first_failed_at)
    SELECT run_id, call_id, record_id, stage, error_code, error_message, first_failed_at FROM failing
    ON CONFLICT (run_id, call_id, record_id) DO UPDATE
       SET stage = excluded.stage, error_code = excluded.error_code, error_message = excluded.error_message,
           first_failed_at = excluded.first_failed_at, moved_at = now(), replayed_at = NULL
    RETURNING run_id, call_id, record_id, stage, error_code
), given_up AS (
    UPDATE call_records own
       SET status = :to, updated_at = now()
      FROM failing
     WHERE own.run_id = failing.run_id AND own.call_id = failing.call_id AND own.record_id = failing.record_id
       AND failing.was = ANY(:expected)
    RETURNING own.run_id, own.call_id, own.record_id, failing.stage, own.error_code, failing.was
), told AS (
    INSERT INTO call_events (run_id, call_id, record_id, stage, event, error_code, detail)
    SELECT run_id, call_id, record_id, stage, :to, error_code,
           jsonb_build_object('from', was, 'why', 'failing for too long')
      FROM given_up
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, error_code)
SELECT run_id, call_id, record_id, stage, 'moved_to_dlq', error_code FROM queued;

-- name: let_go_by_hand!
-- Whoever sent a recording back by the runbook's UPDATE has taken it out of the queue.
UPDATE call_export_dlq dlq
   SET replayed_at = now()
  FROM call_dead_letters letter JOIN call_records own USING (run_id, call_id, record_id)
 WHERE letter.run_id = :run_id AND own.status = 'pending' AND own.retry_count > 0 AND dlq.replayed_at IS NULL
   AND dlq.run_id = letter.letter_run_id AND dlq.call_id = letter.call_id AND dlq.record_id = letter.letter_record_id;

-- name: hold_dead_letters!
-- Without a first failure of its own: the letter is the earlier run's.
WITH held AS (
    SELECT own.run_id, own.call_id, own.record_id, own.status AS was, letter.stage, letter.error_code,
           letter.error_message, letter.moved_at
      FROM call_dead_letters letter JOIN call_records own USING (run_id, call_id, record_id)
     WHERE letter.run_id = :run_id AND letter.replayed_at IS NULL AND own.status = ANY(:expected)
       FOR UPDATE OF own
), moved AS (
    UPDATE call_records own
       SET status = :to, error_code = held.error_code, batch_no = NULL, updated_at = now(),
           error_message = 'in the dead letter queue since ' || held.moved_at::date || ': '
                           || coalesce(held.error_message, 'no details')
      FROM held
     WHERE own.run_id = held.run_id AND own.call_id = held.call_id AND own.record_id = held.record_id
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, error_code, detail)
SELECT run_id, call_id, record_id, :stage, :to, error_code,
       jsonb_build_object('from', was, 'why', 'in the dead letter queue')
  FROM held;

-- name: dlq
SELECT run_id, call_id, record_id, stage, error_code, error_message, first_failed_at, moved_at, replayed_at
  FROM call_export_dlq
 WHERE run_id = :run_id
 ORDER BY first_failed_at, call_id, record_id;

-- name: replay!
WITH letters AS (
    SELECT * FROM call_dead_letters WHERE run_id = :run_id AND replayed_at IS NULL
), replayed AS (
    UPDATE call_export_dlq dlq SET replayed_at = now()
      FROM letters
     WHERE dlq.run_id = letters.letter_run_id AND dlq.call_id = letters.call_id
       AND dlq.record_id = letters.letter_record_id
), old AS (
    SELECT own.run_id, own.call_id, own.record_id, own.status AS was
      FROM letters JOIN call_records own USING (run_id, call_id, record_id)
     WHERE own.status = ANY(:expected)
       FOR UPDATE OF own
), moved AS (
    UPDATE call_records own
       SET status = CASE WHEN raw_path IS NOT NULL AND checksum IS NOT NULL THEN :stored_to ELSE :to END,
           first_failed_at = NULL, stage_attempts = 0, batch_no = NULL, updated_at = now()
      FROM old
     WHERE own.run_id = old.run_id AND own.call_id = old.call_id AND own.record_id = old.record_id
    RETURNING own.run_id, own.call_id, own.record_id, own.status, old.was
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT run_id, call_id, record_id, :stage, status, jsonb_build_object('from', was, 'why', 'replayed from the DLQ')
  FROM moved;
