-- Runs and their work.

-- name: cards
-- Versions that were used, with their hashes.
SELECT card, version, hash FROM callcenter.quality_cards;

-- name: keep_card!
-- A version that is used for the first time.
INSERT INTO callcenter.quality_cards (card, version, hash, title, body) VALUES (:card, :version, :hash, :title, :body)
ON CONFLICT DO NOTHING;

-- name: card_body
-- One card by its hash.
SELECT body FROM callcenter.quality_cards WHERE hash = :hash;

-- name: open_run
-- The run of a DAG run; opened once, also when the task is tried again or cleared.
INSERT INTO callcenter.quality_runs AS known (run_id, dag_run_id, asked, actor)
VALUES (:run_id, :dag_run_id, :asked, :actor)
ON CONFLICT (dag_run_id) DO UPDATE SET status = 'running', finished_at = NULL, verdict = NULL
RETURNING run_id;

-- name: run
-- One run.
SELECT run_id, dag_run_id, status, asked, actor, forecast_cost, approved_cost, asked_cost, verdict, opened_at, finished_at
  FROM callcenter.quality_runs WHERE run_id = :run_id;

-- name: set_forecast!
-- What the run is going to buy, and the sum that a person is asked about (NULL: none).
UPDATE callcenter.quality_runs SET forecast_cost = coalesce(forecast_cost, :forecast), asked_cost = :asked_cost
 WHERE run_id = :run_id AND status = 'running';

-- name: approve!
-- A person's decision; guarded by the question that it answers.
UPDATE callcenter.quality_runs SET approved_cost = asked_cost WHERE run_id = :run_id AND asked_cost IS NOT NULL;

-- name: close_run!
-- The end; only of a run that has not ended.
UPDATE callcenter.quality_runs SET status = :status, verdict = :verdict, finished_at = now()
 WHERE run_id = :run_id AND status = 'running';

-- name: add_work!
-- Work of a run; a text that has its batch keeps it.
INSERT INTO callcenter.quality_work (run_id, text_checksum, card_hash, recording_id, batch_no)
SELECT :run_id, * FROM unnest(:checksums::text[], :cards::text[], :recordings::bigint[], :batches::integer[])
ON CONFLICT (run_id, text_checksum, card_hash) DO NOTHING;

-- name: last_batch
-- The highest number of a batch.
SELECT coalesce(max(batch_no), 0) FROM callcenter.quality_work WHERE run_id = :run_id;

-- name: batches
-- Batches with something to do.
SELECT DISTINCT batch_no FROM callcenter.quality_work WHERE run_id = :run_id AND state = 'waiting' ORDER BY batch_no;

-- name: batch
-- What is to do in one batch.
SELECT text_checksum AS checksum, card_hash, recording_id, attempts
  FROM callcenter.quality_work WHERE run_id = :run_id AND batch_no = :batch_no AND state = 'waiting'
 ORDER BY attempts, recording_id, card_hash;

-- name: again!
-- Work that failed is to be done again: a person cleared the task.
UPDATE callcenter.quality_work SET state = 'waiting', attempts = 0
 WHERE run_id = :run_id AND batch_no = :batch_no AND state = 'failed';

-- name: end_work!
-- A piece of work is done, or failed for good; only one that waits.
UPDATE callcenter.quality_work SET state = :state, error = :error
 WHERE run_id = :run_id AND text_checksum = :checksum AND card_hash = :card_hash AND state = 'waiting';

-- name: try_again!
-- One more failure that may pass.
UPDATE callcenter.quality_work SET attempts = attempts + 1, error = :error
 WHERE run_id = :run_id AND text_checksum = :checksum AND card_hash = :card_hash AND state = 'waiting';

-- name: outcome
-- What became of a run's work.
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'done') AS done,
       count(*) FILTER (WHERE state = 'failed') AS failed
  FROM callcenter.quality_work WHERE run_id = :run_id;

-- name: spent
-- USD of all requests of the run, those that may have been paid included.
SELECT coalesce(sum(usd), 0) FROM llm_spending WHERE run_id = :run_id::text;

-- name: add_event!
-- History.
INSERT INTO callcenter.quality_events (run_id, score_id, stage, event, actor, detail)
VALUES (:run_id, :score_id, :stage, :event, :actor, :detail);

-- name: forget_old
-- Scores, finished runs' work and events whose time has passed; returns how many scores. A score whose text is still
-- there stays: it would be bought again.
WITH gone AS (
    DELETE FROM callcenter.quality_scores score
     WHERE created_at < :before
       AND NOT EXISTS (SELECT FROM transcripts text WHERE text.sha256 = score.text_checksum AND text.body <> '')
    RETURNING score_id
), old_events AS (
    DELETE FROM callcenter.quality_events WHERE at < :before
), old_work AS (
    DELETE FROM callcenter.quality_work work USING callcenter.quality_runs run
     WHERE run.run_id = work.run_id AND run.finished_at < :before
)
SELECT count(*) FROM gone;

-- name: claim
-- Whether this owner may buy the score now.
INSERT INTO callcenter.quality_claims AS held (text_checksum, card_hash, owner, until)
VALUES (:checksum, :card_hash, :owner, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (text_checksum, card_hash) DO UPDATE SET owner = excluded.owner, until = excluded.until
 WHERE held.until < clock_timestamp() OR held.owner = excluded.owner
RETURNING owner;

-- name: release!
-- Only the owner's own claim.
DELETE FROM callcenter.quality_claims WHERE text_checksum = :checksum AND card_hash = :card_hash AND owner = :owner;
