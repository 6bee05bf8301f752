-- What the metrics say of each source, from its loads, the source's refusals, and the sums of what was pruned of both.

-- name: figures
-- All loads that ended well, by source, and the newest of them, which is never pruned.
WITH kept AS (
    SELECT source, sum(rows) AS rows, sum((counters->>'requests')::bigint) AS requests,
           (array_agg(extract(epoch FROM finished_at - opened_at)::float ORDER BY finished_at DESC))[1] AS seconds,
           (array_agg(counters->'quota_left' ORDER BY finished_at DESC))[1] AS quota_left,
           (array_agg(counters->'quota_limits' ORDER BY finished_at DESC))[1] AS quota_limits
    FROM sales.loads WHERE status = 'loaded' GROUP BY source
), carried AS (
    SELECT source, sum((detail->>'rows')::bigint) AS rows, sum((detail->>'requests')::bigint) AS requests
    FROM sales.events WHERE event = 'figures_carried' GROUP BY source
)
SELECT kept.source, (kept.rows + coalesce(carried.rows, 0))::bigint AS rows,
       (kept.requests + coalesce(carried.requests, 0))::bigint AS requests, kept.seconds, kept.quota_left,
       kept.quota_limits
FROM kept LEFT JOIN carried ON carried.source = kept.source ORDER BY kept.source;

-- name: refusals
SELECT source, sum(CASE event WHEN 'source_refused' THEN 1 ELSE coalesce((detail->>'refusals')::bigint, 0) END)::bigint
FROM sales.events WHERE event IN ('source_refused', 'figures_carried') GROUP BY source ORDER BY source;
