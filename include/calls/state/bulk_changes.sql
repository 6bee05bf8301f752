-- The lock of changes to many recordings.

-- name: lock
-- Held until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('changes of many recordings', 0));
