-- What the metrics say of each source, from its loads and the source's refusals.

-- name: figures
-- All loads that ended well, by source, and the newest of them.
SELECT source, sum(rows)::bigint AS rows, sum((counters->>'requests')::bigint)::bigint AS requests,
       (array_agg(extract(epoch FROM finished_at - opened_at)::float ORDER BY finished_at DESC))[1] AS seconds,
       (array_agg(counters->'quota_left' ORDER BY finished_at DESC))[1] AS quota_left,
       (array_agg(counters->'quota_limits' ORDER BY finished_at DESC))[1] AS quota_limits
FROM sales.loads WHERE status = 'loaded' GROUP BY source ORDER BY source;

-- name: refusals
SELECT source, count(*) FROM sales.events WHERE event = 'source_refused' GROUP BY source ORDER BY source;
