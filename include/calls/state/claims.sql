-- Locks of a database session on calls.

-- name: try_claim
-- Whether this session has the call now. Locks of a session add up: each needs its own release.
SELECT pg_try_advisory_lock(hashtextextended('recording of ' || :portal_id::integer || '/' || :call_id::text, 0));

-- name: release_claim
-- Ends one lock.
SELECT pg_advisory_unlock(hashtextextended('recording of ' || :portal_id::integer || '/' || :call_id::text, 0));
