-- The texts that people judge, their verdicts, the answers of judges, the figures.

-- name: may_be_added
-- Texts of the period that are not in the set of the card, with the score that they have.
SELECT DISTINCT ON (text.sha256) text.sha256 AS checksum, text.body, text.language, text.roles,
       text.words_per_minute::float AS words_per_minute, own.recording_id, own.call_id, own.direction, own.employee_id,
       own.call_started_at AS started_at, own.tags, own.needs_review,
       coalesce(own.audio_sec, own.duration_sec)::float AS seconds
  FROM recordings own JOIN transcripts text USING (transcript_id)
 WHERE own.status = 'completed' AND text.body <> '' AND own.text_ended_at IS NULL
   AND own.call_started_at >= :since AND own.call_started_at < :until
   AND NOT EXISTS (SELECT FROM callcenter.calibration_items item
                    WHERE item.card = :card AND item.text_checksum = text.sha256)
 ORDER BY text.sha256, own.recording_id;

-- name: earlier
-- What the judges said of these texts: rare answers must be in the set.
SELECT text_checksum, CASE WHEN final_passed THEN 'passed' WHEN final_passed IS NULL THEN 'none' ELSE 'failed' END
  FROM callcenter.quality_scores WHERE card_hash = :card_hash AND current;

-- name: add_item!
-- One more text; a text that is there keeps its number and its part of the set.
INSERT INTO callcenter.calibration_items (card, text_checksum, item_no, recording_id, body, seconds, split, second_rater, stratum)
SELECT :card, :checksum, coalesce(max(item_no), 0) + 1, :recording_id, :body, :seconds, :split, :second_rater, :stratum
  FROM callcenter.calibration_items WHERE card = :card
ON CONFLICT DO NOTHING;

-- name: items
-- The set of a card, without texts whose words have ended.
SELECT item_no, text_checksum AS checksum, recording_id, body, seconds::float AS seconds, split, second_rater
  FROM callcenter.calibration_items WHERE card = :card AND body <> '' ORDER BY item_no;

-- name: add_verdict!
-- What a person says; the last one of a person counts.
INSERT INTO callcenter.quality_verdicts (text_checksum, card, card_hash, criterion, rater, kind, blind, answer, t, comment)
VALUES (:checksum, :card, :card_hash, :criterion, :rater, :kind, :blind, :answer, :t, :comment);

-- name: verdicts
-- The last blind verdict of each person on each criterion of the set.
SELECT DISTINCT ON (text_checksum, criterion, rater) text_checksum AS checksum, criterion, rater, answer
  FROM callcenter.quality_verdicts
 WHERE card = :card AND card_hash = :card_hash AND blind AND kind = 'calibration'
 ORDER BY text_checksum, criterion, rater, verdict_id DESC;

-- name: keep_answers!
-- A judge's answers to a text, once for each repetition.
INSERT INTO callcenter.calibration_answers (text_checksum, card_hash, prompt_version, provider, model, repetition, answers, cost)
VALUES (:checksum, :card_hash, :prompt_version, :provider, :model, :repetition, :answers, :cost)
ON CONFLICT DO NOTHING;

-- name: answers
-- What a judge has answered.
SELECT text_checksum AS checksum, repetition, answers FROM callcenter.calibration_answers
 WHERE card_hash = :card_hash AND prompt_version = :prompt_version AND provider = :provider AND model = :model;

-- name: keep_figures
-- The figures of one judge.
INSERT INTO callcenter.calibration_runs (card, card_hash, prompt_version, provider, model, set_hash, items, figures, calls,
                                         status, calibrated, cost)
VALUES (:card, :card_hash, :prompt_version, :provider, :model, :set_hash, :items, :figures, :calls, :status, :calibrated, :cost)
RETURNING run_id;

-- name: cost
-- What a judge's answers to the set have cost.
SELECT coalesce(sum(cost), 0) FROM callcenter.calibration_answers
 WHERE card_hash = :card_hash AND prompt_version = :prompt_version AND provider = :provider AND model = :model;

-- name: judges
-- Each judge with its newest figures.
SELECT card, card_hash, prompt_version, provider, model, items, figures, calls, status, calibrated, at
  FROM callcenter.judges ORDER BY card, at DESC;
