-- name: take_permit(portal, interval_sec, low_interval_sec, saved_sec, calm_sec, max_wait_sec)^
-- Seconds until the next free permit, which is taken; no row if it is more than `max_wait_sec` away. One round trip,
-- by the database's clock; the row's lock makes it first come, first served.
-- Permits of the last `saved_sec` seconds that no request took may still be taken, though not at the low rate, nor
-- within `calm_sec` seconds of a refusal.
INSERT INTO portal_pace AS pace (portal, next_permit_at)
VALUES (:portal, clock_timestamp() + make_interval(secs => :interval_sec))
ON CONFLICT (portal) DO UPDATE
SET next_permit_at = greatest(pace.next_permit_at, pace.blocked_until, clock_timestamp()
        - make_interval(secs => CASE WHEN pace.low_rate_until > now()
                                          OR pace.blocked_until > now() - make_interval(secs => :calm_sec)
                                     THEN 0 ELSE :saved_sec END))
    + make_interval(secs => CASE WHEN pace.low_rate_until > now() THEN :low_interval_sec ELSE :interval_sec END)
WHERE greatest(pace.next_permit_at, pace.blocked_until) <= clock_timestamp() + make_interval(secs => :max_wait_sec)
RETURNING extract(epoch FROM next_permit_at - clock_timestamp())::float
    - CASE WHEN low_rate_until > now() THEN :low_interval_sec ELSE :interval_sec END AS wait_sec;

-- name: wait_now(portal)$
-- Seconds until the next free permit.
SELECT extract(epoch FROM greatest(next_permit_at, blocked_until) - clock_timestamp())::float
FROM portal_pace WHERE portal = :portal;

-- name: block(portal, seconds)^
-- The portal has refused: no request is sent before the given time. Of two refusals the later one stays.
INSERT INTO portal_pace AS pace (portal, next_permit_at, blocked_until)
VALUES (:portal, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (portal) DO UPDATE
SET blocked_until = greatest(pace.blocked_until, clock_timestamp() + make_interval(secs => :seconds))
RETURNING blocked_until, coalesce(low_rate_until > clock_timestamp(), false) AS is_low;

-- name: log_event(run_id, event, detail)!
-- A refusal, or the beginning of the low rate, in the history of the run.
INSERT INTO call_events (run_id, stage, event, detail) VALUES (:run_id, 'portal', :event, :detail);

-- name: recent_refusals(portal, window_sec)$
-- How often the portal has refused in the last `window_sec` seconds, whichever run it was.
SELECT count(*) FROM call_events
WHERE event = 'portal_refused' AND detail ->> 'portal' = :portal
  AND at > clock_timestamp() - make_interval(secs => :window_sec);

-- name: slow_down(portal, seconds)^
-- The low rate for all requests to the portal until the returned time.
INSERT INTO portal_pace AS pace (portal, next_permit_at, low_rate_until)
VALUES (:portal, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (portal) DO UPDATE
SET low_rate_until = greatest(pace.low_rate_until, clock_timestamp() + make_interval(secs => :seconds))
RETURNING low_rate_until;

-- name: low_rate_now(portal)$
-- Whether the low rate is on; locks the row.
SELECT coalesce(low_rate_until > clock_timestamp(), false) FROM portal_pace WHERE portal = :portal FOR UPDATE;
