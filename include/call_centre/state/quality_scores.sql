-- Scores with their answers.

-- name: current
-- The score that counts for a text and card, if there is one.
SELECT score_id, provider, model, status FROM callcenter.quality_scores
 WHERE text_checksum = :checksum AND card_hash = :card_hash AND current;

-- name: step_down!
-- The score that counted makes room; it stays.
UPDATE callcenter.quality_scores SET current = false
 WHERE text_checksum = :checksum AND card_hash = :card_hash AND current;

-- name: keep_score
-- One score, once for a text, card, prompt and model: no row if it is there already.
INSERT INTO callcenter.quality_scores (text_checksum, card, card_version, card_hash, prompt_version, provider, model,
    status, score, coverage, passed, final_score, final_coverage, final_passed, auto_failed, needs_review, review_reasons,
    current, characters, input_tokens, output_tokens, cost, error_code, recording_id, run_id, employee_id, call_started_at)
VALUES (:checksum, :card, :card_version, :card_hash, :prompt_version, :provider, :model, :status, :score, :coverage,
    :passed, :score, :coverage, :passed, :auto_failed, :needs_review, :review_reasons, false, :characters,
    :input_tokens, :output_tokens, :cost, :error_code, :recording_id, :run_id, :employee_id, :started_at)
ON CONFLICT DO NOTHING
RETURNING score_id;

-- name: take_over!
-- Figures count this score from now on; the index allows one.
UPDATE callcenter.quality_scores SET current = true WHERE score_id = :score_id;

-- name: keep_answers!
-- The answers of a score.
INSERT INTO callcenter.quality_answers (score_id, criterion, place, answer, lost, points, max_points, evidence, why, source)
SELECT :score_id, given.* FROM jsonb_to_recordset(:answers) AS given (criterion text, place smallint, answer text,
       lost text, points integer, max_points integer, evidence jsonb, why text, source text)
ON CONFLICT DO NOTHING;

-- name: learnt
-- What the last scores of a model took.
SELECT count(*) AS scores, coalesce(sum(characters), 0) AS characters, coalesce(sum(input_tokens), 0) AS input_tokens,
       coalesce(sum(output_tokens), 0) AS output_tokens
  FROM (SELECT characters, input_tokens, output_tokens FROM callcenter.quality_scores
         WHERE model = :model AND model <> '' ORDER BY created_at DESC LIMIT 1000) last;

-- name: counts
-- Of a run: what it scored.
SELECT status, count(*) AS scores, count(*) FILTER (WHERE needs_review) AS to_review, coalesce(sum(cost), 0) AS usd
  FROM callcenter.quality_scores WHERE run_id = :run_id GROUP BY status;
