-- Paid responses that wait for their transcript.

-- name: stored_responses
-- Responses of one recording by piece.
SELECT piece, response FROM recognition_responses WHERE checksum = :checksum AND model = :model;

-- name: stored_response
-- The response of one piece.
SELECT response FROM recognition_responses WHERE checksum = :checksum AND piece = :piece AND model = :model;

-- name: keep_response!
-- The response and its charge in one statement. The first response stays: a second one for the same piece is a repeated
-- request, and it is not charged here again.
WITH kept AS (
    INSERT INTO recognition_responses (checksum, piece, model, response)
    VALUES (:checksum, :piece, :model, :response)
    ON CONFLICT DO NOTHING
    RETURNING checksum
)
INSERT INTO charges AS paid (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
SELECT :run_id::uuid, own.recording_id, own.purchase_no, :charge_purpose::text, :charge_model::text, :charge_unit::text,
       :charge_quantity::numeric, :charge_usd::numeric, :charge_confirmed::boolean
  FROM kept JOIN recordings own ON own.recording_id = :recording_id::bigint
 WHERE :charged::boolean
ON CONFLICT (recording_id, purchase_no, purpose, model, run_id) DO UPDATE
   SET quantity = paid.quantity + excluded.quantity, usd = paid.usd + excluded.usd, requests = paid.requests + 1,
       confirmed = paid.confirmed AND excluded.confirmed;

-- name: forget_responses!
-- The transcript is stored: its responses are in a file beside it.
DELETE FROM recognition_responses WHERE checksum = :checksum;

-- name: forget_old_responses!
-- Responses that no transcript is going to use, old ones of summaries, and those of replays that were never finished; not
-- those of a recording on hold, or of its text.
WITH old AS (
    SELECT checksum FROM recognition_responses WHERE received_at < :received_before
     UNION SELECT checksum FROM replay_responses WHERE received_at < :received_before
), theirs AS MATERIALIZED (  -- joined first: is_held is dear
    SELECT old.checksum, own FROM old JOIN recordings own USING (checksum)
     UNION ALL
    SELECT old.checksum, own
      FROM old JOIN transcripts text ON text.sha256 = old.checksum JOIN recordings own USING (recording_id)
), held AS (
    SELECT checksum FROM theirs WHERE is_held(own)
), of_replays AS (
    DELETE FROM replay_responses WHERE received_at < :received_before AND checksum NOT IN (SELECT checksum FROM held)
)
DELETE FROM recognition_responses WHERE received_at < :received_before AND checksum NOT IN (SELECT checksum FROM held);
