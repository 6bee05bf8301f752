-- The common rate of all requests to a source on behalf of one owner of its limits.

-- name: take_permit
-- Seconds until the next free permit, which is taken; no row if it is more than `max_wait_sec` away. One round trip, by
-- the database's clock; the row's lock makes it first come, first served. After a refusal permits are twice as far
-- apart until `low_rate_until`.
INSERT INTO sales.pace AS pace (source, owner, next_permit_at)
VALUES (:source, :owner, clock_timestamp() + make_interval(secs => :interval_sec))
ON CONFLICT (source, owner) DO UPDATE
SET next_permit_at = greatest(pace.next_permit_at, pace.blocked_until, clock_timestamp())
    + make_interval(secs => CASE WHEN pace.low_rate_until > now() THEN 2 * :interval_sec ELSE :interval_sec END)
WHERE greatest(pace.next_permit_at, pace.blocked_until) <= clock_timestamp() + make_interval(secs => :max_wait_sec)
RETURNING greatest(0, extract(epoch FROM next_permit_at - clock_timestamp())
    - CASE WHEN low_rate_until > now() THEN 2 * :interval_sec ELSE :interval_sec END)::float;

-- name: wait_now
SELECT extract(epoch FROM greatest(next_permit_at, blocked_until) - clock_timestamp())::float
FROM sales.pace WHERE source = :source AND owner = :owner;

-- name: refused!
-- No request before the given time, and half the rate for a while after it. Of two refusals the later one stays.
INSERT INTO sales.pace AS pace (source, owner, next_permit_at, blocked_until, low_rate_until)
VALUES (:source, :owner, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds),
        clock_timestamp() + make_interval(secs => :seconds + :low_sec))
ON CONFLICT (source, owner) DO UPDATE
SET blocked_until = greatest(pace.blocked_until, excluded.blocked_until),
    low_rate_until = greatest(pace.low_rate_until, excluded.low_rate_until);

-- name: log_event!
INSERT INTO sales.events (source, account, event, detail) VALUES (:source, :account, 'source_refused', :detail);
