-- Figures of local days. Bounds are instants: a local day has 23, 24 or 25 hours.

-- name: changed
-- Local days of calls whose scores were made, judged by a person or disputed since then, or whose text was replaced.
SELECT DISTINCT (score.call_started_at AT TIME ZONE :zone)::date
  FROM callcenter.quality_scores score JOIN recordings own USING (recording_id)
 WHERE score.current
   AND (score.created_at >= :since OR own.text_at >= :since
        OR EXISTS (SELECT FROM callcenter.quality_events event
                    WHERE event.score_id = score.score_id AND event.at >= :since));

-- name: make_day!
-- One day, made from the rows; a second time it is the same. A card none of whose scores counts any more has zeros.
INSERT INTO callcenter.daily_stats AS known (stat_date, card, zone, total_calls, scored, unscorable, needs_review, passed,
    calibrated, avg_score, avg_coverage, total_cost_usd, hourly)
SELECT :day, score.card, :zone, :total_calls, count(*) FILTER (WHERE counts),
       count(*) FILTER (WHERE shown AND score.status = 'unscorable'), count(*) FILTER (WHERE shown AND needs_review),
       count(*) FILTER (WHERE counts AND final_passed),
       count(*) FILTER (WHERE counts AND judge.status = 'pass'), avg(final_score) FILTER (WHERE counts),
       avg(final_coverage) FILTER (WHERE counts),
       coalesce((SELECT sum(paid.cost) FROM callcenter.quality_scores paid
                  WHERE paid.card = score.card AND paid.call_started_at >= :since AND paid.call_started_at < :until), 0),
       :hourly
  FROM callcenter.quality_scores score
  LEFT JOIN callcenter.judges judge USING (card_hash, prompt_version, provider, model)
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM callcenter.counted_scores counted
                                     WHERE counted.score_id = score.score_id) AS shown) of_text
 CROSS JOIN LATERAL (SELECT shown AND final_score IS NOT NULL AND open_disputes = 0
                            AND NOT 'injection_suspected' = ANY(review_reasons) AS counts) countable
 WHERE score.current AND score.call_started_at >= :since AND score.call_started_at < :until
 GROUP BY score.card
ON CONFLICT (stat_date, card) DO UPDATE
   SET zone = excluded.zone, total_calls = excluded.total_calls, scored = excluded.scored,
       unscorable = excluded.unscorable, needs_review = excluded.needs_review, passed = excluded.passed,
       calibrated = excluded.calibrated, avg_score = excluded.avg_score, avg_coverage = excluded.avg_coverage,
       total_cost_usd = excluded.total_cost_usd, hourly = excluded.hourly, made_at = now();
