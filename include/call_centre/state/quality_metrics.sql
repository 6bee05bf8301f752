-- Figures for Prometheus. Counters are of the present month (UTC): they begin anew with it, as after a restart.

-- name: requests
-- Requests to language models.
SELECT provider, task, outcome, count(*) AS requests, sum(cost)::float AS usd FROM llm_requests
 WHERE at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: errors
-- Requests without an answer, by our word for why.
SELECT provider, outcome AS reason, count(*) AS requests FROM llm_requests
 WHERE at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND outcome <> 'ok' GROUP BY 1, 2 ORDER BY 1, 2;

-- name: fallbacks
-- Answers of another provider than the one before it.
SELECT failover_from, provider, task, count(*) AS requests FROM llm_requests
 WHERE at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND failover_from IS NOT NULL AND outcome = 'ok'
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: latencies
-- How long answers took, in buckets: up to `bound` milliseconds.
SELECT provider, width_bucket(latency_ms, :bounds::integer[]) AS bucket, count(*) AS requests, sum(latency_ms)::float AS ms
  FROM llm_requests
 WHERE at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND outcome = 'ok' GROUP BY 1, 2 ORDER BY 1, 2;

-- name: scores
-- Scores that there are.
SELECT card, status, count(*) AS scores FROM callcenter.quality_scores GROUP BY 1, 2 ORDER BY 1, 2;

-- name: points
-- Scores that count, by ten points.
SELECT card, least(9, floor(final_score / 10))::integer AS bucket, count(*) AS scores, sum(final_score)::float AS points
  FROM callcenter.counted_scores WHERE final_score IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;

-- name: now
-- Waiting work, its age, disputes, money, and the share of the last day's scores whose judge is not calibrated.
SELECT (SELECT count(*) FROM callcenter.quality_work JOIN callcenter.quality_runs USING (run_id)
         WHERE state = 'waiting' AND status = 'running') AS backlog,
       (SELECT coalesce(max(extract(epoch FROM now() - opened_at)), 0)::float
          FROM callcenter.quality_runs WHERE status = 'running') AS oldest_run_seconds,
       (SELECT coalesce(sum(open_disputes), 0)::bigint FROM callcenter.counted_scores
         WHERE open_disputes > 0) AS disputes_open,
       (SELECT coalesce(sum(cost), 0)::float FROM callcenter.quality_scores) AS usd,
       (SELECT count(*) FROM callcenter.counted_scores WHERE needs_review) AS to_review,
       (SELECT coalesce(avg(CASE WHEN judge.status = 'pass' THEN 0 ELSE 1 END), 0)::float
          FROM callcenter.quality_scores score LEFT JOIN callcenter.judges judge USING (card_hash, prompt_version, provider, model)
         WHERE score.status = 'scored' AND score.created_at > now() - interval '1 day') AS uncalibrated_share,
       (SELECT count(*) FROM callcenter.judges WHERE status = 'pass') AS calibrated_judges;
