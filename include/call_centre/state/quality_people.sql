-- What people see of scores, and what they say. A scope narrows whose calls a reader sees; NULL does not narrow.

-- name: listed
-- Scores of the texts that calls show, the newest call first, after a place in the list.
SELECT score.score_id, score.recording_id, score.card, score.card_version, score.status, score.final_score::float AS score,
       score.score::float AS judged_score, score.final_coverage::float AS coverage, score.final_passed AS passed,
       score.needs_review, score.review_reasons, score.open_disputes, score.error_code, score.employee_id,
       own.employee_name, score.call_started_at AS started_at, score.provider, score.model,
       coalesce(judge.status, 'none') AS calibration
  FROM callcenter.counted_scores score
  JOIN recordings own USING (recording_id)
  LEFT JOIN callcenter.judges judge
    ON judge.card_hash = score.card_hash AND judge.prompt_version = score.prompt_version
   AND judge.provider = score.provider AND judge.model = score.model
 WHERE in_scope(own.phone_line, score.employee_id, :lines::text[], :employees::text[])
   AND (:card::text IS NULL OR score.card = :card)
   AND (:employee::text IS NULL OR score.employee_id = :employee)
   AND (:status::text IS NULL OR score.status = :status)
   AND (NOT :review OR score.needs_review)
   AND (NOT :disputed OR score.open_disputes > 0)
   AND (:recording::bigint IS NULL OR score.recording_id IN (
           SELECT same.recording_id FROM recordings asked JOIN transcripts text ON text.transcript_id = asked.transcript_id
             JOIN callcenter.quality_scores same ON same.text_checksum = text.sha256
            WHERE asked.recording_id = :recording))
   AND (:dag_run::text IS NULL
        OR score.run_id = (SELECT run_id FROM callcenter.quality_runs WHERE dag_run_id = :dag_run))
   AND (:before_at::timestamptz IS NULL OR (score.call_started_at, score.score_id) < (:before_at, :before_id::uuid))
 ORDER BY score.call_started_at DESC, score.score_id DESC
 LIMIT :most;

-- name: score
-- One score that the reader may see.
SELECT score.score_id, score.text_checksum AS checksum, score.card_hash, score.prompt_version, score.provider, score.model,
       score.status, score.recording_id, score.employee_id, score.created_at, score.auto_failed,
       EXISTS (SELECT FROM callcenter.counted_scores counted WHERE counted.score_id = score.score_id) AS current,
       score.call_started_at AS started_at, own.call_id, own.record_id
  FROM callcenter.quality_scores score JOIN recordings own USING (recording_id)
 WHERE score.score_id = :score_id AND in_scope(own.phone_line, score.employee_id, :lines::text[], :employees::text[]);

-- name: answers
-- A judge's answers, in the order of the card.
SELECT criterion, answer, lost, evidence, why, source FROM callcenter.quality_answers
 WHERE score_id = :score_id ORDER BY place;

-- name: verdicts
-- What people said of this text, the last of each criterion; calibration stays apart, it is blind.
SELECT DISTINCT ON (criterion) criterion, rater, kind, answer, t::float AS t, comment, at
  FROM callcenter.quality_verdicts
 WHERE text_checksum = :checksum AND card_hash = :card_hash AND kind <> 'calibration'
 ORDER BY criterion, verdict_id DESC;

-- name: disputes
-- Disputes of a score.
SELECT dispute_id, criterion, opened_by, reason, status, opened_at, resolved_by, resolved_at, comment
  FROM callcenter.quality_disputes WHERE score_id = :score_id ORDER BY dispute_id;

-- name: dispute
-- One dispute, locked, with its score.
SELECT dispute_id, score_id, criterion, opened_by, status FROM callcenter.quality_disputes
 WHERE dispute_id = :dispute_id FOR UPDATE;

-- name: lock_score
-- People who judge one score wait for each other.
SELECT 1 FROM callcenter.quality_scores WHERE score_id = :score_id FOR UPDATE;

-- name: add_verdict!
-- What a person says of one criterion; a person outranks the judge.
INSERT INTO callcenter.quality_verdicts (text_checksum, card, card_hash, criterion, rater, kind, blind, answer, t, comment)
VALUES (:checksum, :card, :card_hash, :criterion, :rater, :kind, false, :answer, :t, :comment);

-- name: open_dispute
-- Once for a criterion; no row if there was one.
INSERT INTO callcenter.quality_disputes (score_id, criterion, opened_by, reason)
VALUES (:score_id, :criterion, :opened_by, :reason)
ON CONFLICT DO NOTHING RETURNING dispute_id;

-- name: resolve_dispute!
-- Only an open one.
UPDATE callcenter.quality_disputes SET status = :status, resolved_by = :by, resolved_at = now(), comment = :comment
 WHERE dispute_id = :dispute_id AND status = 'open';

-- name: set_final!
-- Figures with the answers of people in their place.
UPDATE callcenter.quality_scores score
   SET final_score = :score, final_coverage = :coverage, final_passed = :passed,
       needs_review = needs_review AND NOT :reviewed,
       open_disputes = (SELECT count(*) FROM callcenter.quality_disputes WHERE score_id = score.score_id AND status = 'open')
 WHERE score_id = :score_id;

-- name: add_event!
-- History.
INSERT INTO callcenter.quality_events (score_id, stage, event, actor, detail)
VALUES (:score_id, 'people', :event, :actor, :detail);

-- name: averages
-- By employee and card: only what counts. Scores of a judge that is not calibrated on all its criteria have no part.
SELECT score.employee_id, max(own.employee_name) AS employee_name, score.card, count(*) AS scores,
       count(*) FILTER (WHERE counted.fair) AS counted, avg(score.final_score) FILTER (WHERE counted.fair)::float AS score,
       avg(score.final_coverage) FILTER (WHERE counted.fair)::float AS coverage,
       count(*) FILTER (WHERE score.needs_review) AS to_review, sum(score.open_disputes) AS open_disputes
  FROM callcenter.counted_scores score
  JOIN recordings own USING (recording_id)
  LEFT JOIN callcenter.judges judge
    ON judge.card_hash = score.card_hash AND judge.prompt_version = score.prompt_version
   AND judge.provider = score.provider AND judge.model = score.model
 CROSS JOIN LATERAL (SELECT score.final_score IS NOT NULL AND score.open_disputes = 0 AND judge.status = 'pass'
                            AND NOT 'injection_suspected' = ANY(score.review_reasons) AS fair) counted
 WHERE score.call_started_at >= :since AND score.call_started_at < :until
   AND in_scope(own.phone_line, score.employee_id, :lines::text[], :employees::text[])
 GROUP BY score.employee_id, score.card ORDER BY score.card, score.employee_id;

-- name: scope
-- Whose calls a reader sees; no row: all.
SELECT lines, employee_ids FROM call_scopes WHERE actor = :actor;

-- name: next_item
-- The next text of the set that this person has not judged whole: one that wants a second rater has at most two raters.
SELECT item.item_no, item.text_checksum AS checksum, item.body, item.seconds::float AS seconds
  FROM callcenter.calibration_items item
  LEFT JOIN LATERAL (SELECT count(DISTINCT criterion) FILTER (WHERE rater = :rater) AS own,
                            count(DISTINCT rater) FILTER (WHERE rater <> :rater) AS others
                       FROM callcenter.quality_verdicts
                      WHERE text_checksum = item.text_checksum AND card_hash = :card_hash AND kind = 'calibration') judged ON true
 WHERE item.card = :card AND item.body <> '' AND judged.own < :criteria
   AND judged.others < CASE WHEN item.second_rater THEN 2 ELSE 1 END
 ORDER BY item.item_no LIMIT 1;

-- name: exported
-- All scores of a period that count, for a table.
SELECT own.call_id, own.record_id, score.call_started_at AS started_at, score.employee_id, own.employee_name, score.card,
       score.card_version, score.status, score.final_score AS score, score.score AS judged_score,
       score.final_coverage AS coverage, score.final_passed AS passed, coalesce(judge.status, 'none') AS calibration,
       score.needs_review, score.review_reasons, score.open_disputes, score.error_code, score.provider, score.model, score.cost,
       (SELECT json_object_agg(criterion, answer) FROM callcenter.quality_answers WHERE score_id = score.score_id) AS answers
  FROM callcenter.counted_scores score
  JOIN recordings own USING (recording_id)
  LEFT JOIN callcenter.judges judge
    ON judge.card_hash = score.card_hash AND judge.prompt_version = score.prompt_version
   AND judge.provider = score.provider AND judge.model = score.model
 WHERE score.call_started_at >= :since AND score.call_started_at < :until
 ORDER BY score.call_started_at, score.score_id;
