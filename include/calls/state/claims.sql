-- Claims on calls: rows with a lease. None of them waits for the disk: a claim that a crash of the server forgets is
-- found missing by its owner before it pays or saves.

-- name: take
-- The claim, if nobody has one or its lease has run out.
INSERT INTO call_claims AS claim (portal_id, call_id, owner, until)
VALUES (:portal_id::smallint, :call_id, :owner, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (portal_id, call_id) DO UPDATE SET owner = excluded.owner, until = excluded.until
 WHERE claim.until < clock_timestamp()
RETURNING true, set_config('synchronous_commit', 'off', true);

-- name: renew
-- What these owners still have; a lease that ran out counts until another owner takes it.
WITH renewed AS (
    UPDATE call_claims SET until = clock_timestamp() + make_interval(secs => :seconds)
     WHERE owner = ANY(:owners)
    RETURNING 1, set_config('synchronous_commit', 'off', true)
)
SELECT count(*) FROM renewed;

-- name: give
-- One claim, if it is still this owner's.
WITH given AS (
    DELETE FROM call_claims WHERE portal_id = :portal_id AND call_id = :call_id AND owner = :owner
    RETURNING 1, set_config('synchronous_commit', 'off', true)
)
SELECT count(*) FROM given;

-- name: give_all
-- And what dead tasks have left on calls that nobody has claimed since.
WITH given AS (
    DELETE FROM call_claims WHERE owner = :owner OR until < clock_timestamp() - interval '1 day'
    RETURNING 1, set_config('synchronous_commit', 'off', true)
)
SELECT count(*) FROM given;

-- name: seconds_left
-- Until the last of these claims may be taken, if its owner is dead.
SELECT extract(epoch FROM max(claim.until) - clock_timestamp())::float
  FROM call_claims claim JOIN recordings own USING (portal_id, call_id)
 WHERE own.recording_id = ANY(:recording_ids);
