-- What this area reads of calls and writes into their ledger: the only statements over tables of the area `calls`.

-- name: unscored
-- Texts of the period without a score by this card, the oldest call first; a text that several calls share is one row.
-- With `anew`: without a score of this provider.
SELECT DISTINCT ON (own.call_started_at, text.sha256) text.sha256 AS checksum, text.body, text.language, text.roles,
       text.words_per_minute::float AS words_per_minute, own.recording_id, own.call_id, own.direction, own.employee_id,
       own.call_started_at AS started_at, own.tags, own.needs_review,
       coalesce(own.audio_sec, own.duration_sec)::float AS seconds
  FROM recordings own JOIN transcripts text USING (transcript_id)
 WHERE own.status = 'completed' AND text.body <> '' AND own.text_ended_at IS NULL
   AND own.call_started_at >= :since AND own.call_started_at < :until
   AND (:calls::text[] IS NULL OR own.call_id = ANY(:calls))
   AND NOT EXISTS (SELECT FROM callcenter.quality_scores score
                    WHERE score.text_checksum = text.sha256 AND score.card_hash = :card_hash
                      AND (NOT :anew OR score.provider = :provider))
   AND (:calls::text[] IS NOT NULL OR NOT EXISTS (  -- what keeps failing is not bought by each run of the clock
           SELECT FROM callcenter.quality_work work JOIN callcenter.quality_runs run USING (run_id)
            WHERE work.text_checksum = text.sha256 AND work.card_hash = :card_hash AND work.state = 'failed'
           HAVING count(*) >= 3 OR max(run.opened_at) > now() - interval '6 hours'))
 ORDER BY own.call_started_at, text.sha256, own.recording_id;

-- name: text
-- One text with what a judge must know of its call; no row once its words are gone.
SELECT text.sha256 AS checksum, text.body, text.language, text.roles, text.words_per_minute::float AS words_per_minute,
       own.recording_id, own.call_id, own.direction, own.employee_id, own.call_started_at AS started_at, own.tags,
       own.needs_review, coalesce(own.audio_sec, own.duration_sec)::float AS seconds
  FROM recordings own JOIN transcripts text USING (transcript_id)
 WHERE own.recording_id = :recording_id AND text.sha256 = :checksum AND text.body <> '' AND own.text_ended_at IS NULL;

-- name: charge!
-- One payment in the one ledger; a run of the call centre is no run of the export.
INSERT INTO charges AS paid (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
SELECT NULL, own.recording_id, own.purchase_no, :purpose, :model, 'token', :quantity, :usd, :confirmed
  FROM recordings own WHERE own.recording_id = :recording_id
ON CONFLICT (recording_id, purchase_no, purpose, model, run_id) DO UPDATE
   SET quantity = paid.quantity + excluded.quantity, usd = paid.usd + excluded.usd, requests = paid.requests + 1,
       confirmed = paid.confirmed AND excluded.confirmed;

-- name: day_of_calls
-- Calls with a text, by hour of the local day.
SELECT to_char(own.call_started_at AT TIME ZONE :zone, 'HH24') AS hour, count(*) AS calls
  FROM recordings own
 WHERE own.transcript_id IS NOT NULL AND own.call_started_at >= :since AND own.call_started_at < :until
 GROUP BY 1 ORDER BY 1;

-- name: employees
-- Names of employees by their ids, the newest of each.
SELECT DISTINCT ON (employee_id) employee_id, employee_name FROM recordings
 WHERE employee_id = ANY(:employees) AND employee_name IS NOT NULL ORDER BY employee_id, call_started_at DESC;
