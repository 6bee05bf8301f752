-- Which occasions people were notified of, and what occasions there are. Occasions are events: each has its own id.

-- name: try_lock
-- Held until the transaction ends: of two processes with the same message one sends it.
SELECT pg_try_advisory_xact_lock(hashtextextended('told ' || :occasion, 0));

-- name: was_notified
-- Whether a notification of the occasion was sent or tried.
SELECT EXISTS (SELECT FROM call_events
                WHERE call_id IS NULL AND event IN ('notified', 'not_notified')
                  AND detail ->> 'occasion' = :occasion);

-- name: note_attempt!
-- A notification was sent, or the attempt has failed.
INSERT INTO call_events (run_id, stage, event, detail) VALUES (:run_id, :stage, :event, :detail);

-- name: last_event
-- The newest time that the run entered a status.
SELECT id, coalesce(detail ->> 'verdict', '') FROM call_events
 WHERE call_id IS NULL AND run_id = :run_id AND event = :event
 ORDER BY id DESC
 LIMIT 1;

-- name: new_dead_letters
-- Recordings that this run has moved into the DLQ since the last message about it.
SELECT coalesce(max(id), 0), count(*) FROM call_events
 WHERE run_id = :run_id AND event = 'moved_to_dlq'
   AND id > coalesce((SELECT max((detail ->> 'up_to')::bigint) FROM call_events
                       WHERE call_id IS NULL AND run_id = :run_id AND event IN ('notified', 'not_notified')
                         AND detail ->> 'kind' = 'dlq_grew'), 0);

-- name: low_rate_switch
-- The last switch to the low rate, by any run, while it lasts: the portal is slowed down for all of them.
SELECT id, detail ->> 'reason' = 'forced', (detail ->> 'until')::timestamptz,
       (SELECT count(*) FROM call_events AS refused
         WHERE refused.event = 'portal_refused' AND refused.at BETWEEN switched.at - interval '15 minutes' AND switched.at)
  FROM call_events AS switched
 WHERE call_id IS NULL AND event = 'low_rate_on' AND (detail ->> 'until')::timestamptz > now()
 ORDER BY id DESC
 LIMIT 1;
