-- Holds: what must not end, why, and until when.

-- name: place
-- A new hold; returns its number.
INSERT INTO holds (call_id, phone_line, period_from, period_to, reason, placed_by, until)
VALUES (:call_id, :phone_line, :period_from, :period_to, :reason, :placed_by, :until)
RETURNING hold_id;

-- name: lift!
-- Ends a hold that is in force.
UPDATE holds SET lifted_at = now(), lifted_by = :lifted_by
 WHERE hold_id = :hold_id AND hold_id IN (SELECT hold_id FROM holds_in_force);

-- name: in_force
-- Holds in force, with the recordings that they concern and those of them whose text had ended before.
SELECT hold.hold_id, hold.call_id, hold.phone_line, hold.period_from, hold.period_to, hold.reason, hold.placed_by,
       hold.placed_at, hold.until, counted.recordings, counted.ended
  FROM holds_in_force hold
 CROSS JOIN LATERAL (
       SELECT count(*)::integer AS recordings, (count(*) FILTER (WHERE own.text_ended_at IS NOT NULL))::integer AS ended
         FROM recordings own
        WHERE own.call_id = hold.call_id OR own.phone_line = hold.phone_line
           OR own.call_started_at >= hold.period_from AND own.call_started_at < hold.period_to + interval '1 second'
       ) counted
 WHERE :hold_id::bigint IS NULL OR hold.hold_id = :hold_id
 ORDER BY hold.hold_id;
