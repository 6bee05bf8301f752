-- Old loads, events, runs and alerts go; counters of the metrics must not fall, so their sums are carried in an event.

-- name: prune_loads
-- A load that was replaced ended before the one that replaced it, so none is left that names a deleted one.
WITH gone AS (
    DELETE FROM sales.loads AS old
    WHERE old.status IN ('loaded', 'failed', 'superseded')
      AND old.finished_at < now() - make_interval(days => :days)
      AND (old.status <> 'loaded' OR EXISTS (
          SELECT FROM sales.loads AS newer
          WHERE newer.source = old.source AND newer.stream = old.stream AND newer.account = old.account
            AND newer.status = 'loaded' AND (newer.finished_at, newer.load_id) > (old.finished_at, old.load_id)))
    RETURNING old.source, old.status, old.rows, old.counters
), carried AS (
    INSERT INTO sales.events (source, event, detail)
    SELECT source, 'figures_carried', jsonb_build_object(
        'rows', sum(rows), 'requests', coalesce(sum((counters->>'requests')::bigint), 0))
    FROM gone WHERE status = 'loaded' GROUP BY source
)
SELECT count(*) FROM gone;

-- name: prune_events
-- Events that carry sums are added up into one when they are old themselves.
WITH gone AS (
    DELETE FROM sales.events AS old
    WHERE old.at < now() - make_interval(days => :days)
      AND NOT EXISTS (
          SELECT FROM sales.loads AS load
          WHERE load.load_id = old.load_id AND load.status IN ('fetching', 'writing'))
    RETURNING old.source, old.event, old.detail
), carried AS (
    INSERT INTO sales.events (source, event, detail)
    SELECT source, 'figures_carried', jsonb_build_object(
        'rows', coalesce(sum((detail->>'rows')::bigint) FILTER (WHERE event = 'figures_carried'), 0),
        'requests', coalesce(sum((detail->>'requests')::bigint) FILTER (WHERE event = 'figures_carried'), 0),
        'refusals', coalesce(sum((detail->>'refusals')::bigint) FILTER (WHERE event = 'figures_carried'), 0)
                    + count(*) FILTER (WHERE event = 'source_refused'))
    FROM gone WHERE event IN ('source_refused', 'figures_carried') GROUP BY source
)
SELECT count(*) FROM gone;

-- name: prune_runs!
-- Copied to ClickHouse, and neither the newest run of its job nor the newest good one, by which jobs are called late.
DELETE FROM sales.job_runs AS old
WHERE old.started_at < now() - make_interval(days => :days) AND old.copied >= old.revision
  AND EXISTS (SELECT FROM sales.job_runs AS newer WHERE newer.job = old.job AND newer.started_at > old.started_at)
  AND (old.status <> 'success' OR EXISTS (
      SELECT FROM sales.job_runs AS newer
      WHERE newer.job = old.job AND newer.status = 'success' AND newer.started_at > old.started_at));

-- name: prune_alerts!
-- Copied to ClickHouse and over; who was told that it had begun has been told that it ended.
DELETE FROM sales.alerts
WHERE resolved_at < now() - make_interval(days => :days) AND copied >= revision
  AND (notified_at IS NULL OR resolution_notified_at IS NOT NULL);
