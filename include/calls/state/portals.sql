-- The portals whose calls are known, and the addresses that lead to them.

-- name: portal_of
-- The portal behind an address; no row if the address is new.
SELECT portal_id FROM portal_hosts WHERE host = :host;

-- name: newest_calls
-- The start of the newest call that each portal still lists.
SELECT newest.call_started_at
  FROM portals
 CROSS JOIN LATERAL (SELECT call_started_at FROM recordings own
                      WHERE own.portal_id = portals.portal_id AND own.gone_at IS NULL
                      ORDER BY call_started_at DESC LIMIT 1) newest;

-- name: same_portal
-- The known portal that has these very rows of the statistics: its address has changed. A row with the same number and
-- another call_id speaks against it.
SELECT known.portal_id
  FROM unnest(:statistics_ids::bigint[], :call_ids::text[]) AS fresh (statistics_id, call_id)
  JOIN recordings known USING (statistics_id)
 GROUP BY known.portal_id
HAVING count(*) FILTER (WHERE known.call_id = fresh.call_id) > 0
   AND count(*) FILTER (WHERE known.call_id <> fresh.call_id) = 0
 ORDER BY count(*) DESC
 LIMIT 1;

-- name: add_address!
-- A new address of a known portal, with an event.
WITH added AS (
    INSERT INTO portal_hosts (host, portal_id) VALUES (:host, :portal_id) ON CONFLICT (host) DO NOTHING
    RETURNING host, portal_id
)
INSERT INTO call_events (stage, event, detail)
SELECT :stage, 'portal_renamed', jsonb_build_object('portal_id', portal_id, 'host', host) FROM added;

-- name: add_portal
-- A portal seen for the first time. If two processes add it at once, both get the same number.
WITH portal AS (
    INSERT INTO portals (host) VALUES (:host) ON CONFLICT (host) DO UPDATE SET host = excluded.host RETURNING portal_id
), address AS (
    INSERT INTO portal_hosts (host, portal_id) SELECT :host, portal_id FROM portal ON CONFLICT (host) DO NOTHING
)
SELECT portal_id FROM portal;
