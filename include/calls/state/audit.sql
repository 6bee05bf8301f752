-- Statements of include/calls/state/audit.py. `audit_log` and its functions: migration 0004.

-- name: record
-- Adds an entry and returns its number.
SELECT audit_record(:action, :actor, :run_id, :call_id, :record_id, :reason, :detail);

-- name: entries
-- Entries of a time, in their order; `detail` as the text that is hashed.
SELECT entry_no, at, action, actor, database_role, run_id, call_id, record_id, reason, detail::text AS detail,
       previous_hash, hash
  FROM audit_log
 WHERE at >= coalesce(:since, '-infinity'::timestamptz) AND at < coalesce(:until, 'infinity'::timestamptz)
 ORDER BY entry_no;

-- name: newest
-- The detail of the newest entry of an action.
SELECT detail FROM audit_log WHERE action = :action ORDER BY entry_no DESC LIMIT 1;

-- name: one_snapshot!
-- What the transaction reads from here on is of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: ends
-- Where the chain begins and ends by what was noted when entries were added and forgotten.
SELECT first_no, first_previous_hash, last_no, last_hash FROM audit_head;

-- name: check
-- The database's own check of a part of the chain.
SELECT up_to, at_end, breaks FROM audit_check(:after, :most);

-- name: forget
-- Removes entries past their retention; returns how many.
SELECT audit_forget(:older_than);
