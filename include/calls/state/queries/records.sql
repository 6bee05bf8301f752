-- Recordings under work. Statuses given as parameters are checked against the state machine before they come here.

-- name: records
SELECT run_id, call_id, record_id, statistics_id, status, direction, from_number, to_number, employee_id,
       employee_name, call_started_at, duration_sec, audio_sec, recording_url, raw_path, checksum, transcript_path,
       summary_path, language, attempts, stage_attempts, error_code, portal_number, portal_offset_sec, file_id,
       batch_no, reused_from_run_id,
       -- over all runs: two of them may share a period's folder, and names in it must never meet
       EXISTS (SELECT FROM call_records other
                WHERE other.call_id = own.call_id AND other.record_id <> own.record_id
                  AND other.statistics_id <> own.statistics_id AND other.status <> 'no_recording') AS several
  FROM call_records own
 WHERE run_id = :run_id AND status = ANY(:statuses) AND (:batch_no::integer IS NULL OR batch_no = :batch_no)
   AND (reused_from_run_id IS NOT NULL OR NOT :reused) AND statistics_id > :after
   AND (call_id = :call_id OR :call_id::text IS NULL) AND (record_id = :record_id OR :record_id::text IS NULL)
 ORDER BY statistics_id
 LIMIT :most;

-- name: stale_or_failed!
-- Moves every fitting record of the run (or of one batch) to another state, each with its event.
WITH old AS (
    SELECT call_id, record_id, status FROM call_records own
     WHERE run_id = :run_id AND (:batch_no::integer IS NULL OR batch_no = :batch_no) AND status = ANY(:expected)
       AND (:stored::boolean IS NULL OR (raw_path IS NOT NULL AND checksum IS NOT NULL) = :stored)
       AND (:keep_attempts OR NOT EXISTS (
               SELECT FROM call_dead_letters letter
                WHERE letter.run_id = own.run_id AND letter.call_id = own.call_id
                  AND letter.record_id = own.record_id AND letter.replayed_at IS NULL))
       FOR UPDATE
), moved AS (
    UPDATE call_records own
       SET status = :to, updated_at = now(),
           stage_attempts = CASE WHEN :keep_attempts THEN stage_attempts ELSE 0 END
      FROM old
     WHERE own.run_id = :run_id AND own.call_id = old.call_id AND own.record_id = old.record_id
    RETURNING own.run_id, own.call_id, own.record_id, old.status AS was
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT run_id, call_id, record_id, :stage, :to, jsonb_build_object('from', was, 'why', :why::text) FROM moved;

-- name: forget_batches!
UPDATE call_records SET batch_no = NULL WHERE run_id = :run_id AND status = ANY(:unfinished) AND batch_no IS NOT NULL;

-- name: unplanned
SELECT call_id, record_id, duration_sec / 60.0
  FROM call_records
 WHERE run_id = :run_id AND batch_no IS NULL
   AND (status = ANY(:unfinished) OR :summaries AND status = 'completed' AND summary_path IS NULL)
 ORDER BY call_started_at, statistics_id;

-- name: last_batch
SELECT coalesce(max(batch_no), 0) FROM call_records WHERE run_id = :run_id;

-- name: assign_batches!
UPDATE call_records own
   SET batch_no = plan.batch_no
  FROM unnest(:call_ids::text[], :record_ids::text[], :numbers::integer[]) AS plan (call_id, record_id, batch_no)
 WHERE own.run_id = :run_id AND own.call_id = plan.call_id AND own.record_id = plan.record_id
   AND own.batch_no IS NULL;

-- name: unfinished_batches
SELECT DISTINCT batch_no
  FROM call_records
 WHERE run_id = :run_id AND batch_no IS NOT NULL
   AND (status = ANY(:unfinished) OR :summaries AND status = 'completed' AND summary_path IS NULL)
 ORDER BY batch_no;

-- name: batch_facts
SELECT count(*) AS records, coalesce(sum(duration_sec), 0) / 60.0 AS minutes
  FROM call_records
 WHERE run_id = :run_id AND batch_no = :batch_no;

-- name: to_buy
-- A recording that the portal gives no length for is billed a minute all the same.
SELECT count(*)::integer AS recordings,
       coalesce(sum(greatest(1, ceil(coalesce(audio_sec, duration_sec) / 60.0))), 0)::integer AS minutes,
       (count(*) FILTER (WHERE raw_path IS NULL))::integer AS downloads
  FROM call_records
 WHERE run_id = :run_id AND status = ANY(:unfinished);

-- name: set_paths!
UPDATE call_records own
   SET transcript_path = copy.transcript_path, summary_path = copy.summary_path, updated_at = now()
  FROM unnest(:call_ids::text[], :record_ids::text[], :transcript_paths::text[], :summary_paths::text[])
       AS copy (call_id, record_id, transcript_path, summary_path)
 WHERE own.run_id = :run_id AND own.call_id = copy.call_id AND own.record_id = copy.record_id
   AND own.status = 'completed';

-- name: set_summary!
-- Its price lies in `spent_unfinished` since it was bought; an answer that is found again adds nothing. A summary paid by
-- another record shows its price and is not this run's spending.
WITH due AS (
    SELECT CASE WHEN :bought AND spent_unfinished >= round(:cost::numeric, 6) THEN round(:cost::numeric, 6) ELSE 0 END AS price
      FROM call_records
     WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = 'completed'
       FOR UPDATE
)
UPDATE call_records
   SET summary_path = :summary_path, tags = :tags, updated_at = now(),
       spent_unfinished = spent_unfinished - due.price,
       summary_bought = summary_bought OR due.price > 0,
       summary_cost = CASE WHEN summary_bought THEN summary_cost + due.price ELSE :cost::numeric END
  FROM due
 WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = 'completed';

-- name: reuse!
-- A text is bought once (D3): found by the call, then by the recording's name, its statistics row or its bytes.
-- A record that waits although it has a text was sent back by a person, who wants a new one.
WITH wanted AS (
    SELECT run_id, call_id, record_id, statistics_id, checksum, status
      FROM call_records
     WHERE run_id = :run_id AND status = ANY(:expected) AND transcript_path IS NULL
       AND (call_id = :call_id OR :call_id::text IS NULL) AND (record_id = :record_id OR :record_id::text IS NULL)
       FOR UPDATE
), bought AS (
    SELECT DISTINCT ON (wanted.call_id, wanted.record_id)
           wanted.call_id AS own_call_id, wanted.record_id AS own_record_id, wanted.status AS was, text.*
      FROM wanted
      JOIN call_records text
        ON text.call_id = wanted.call_id AND text.status = 'completed' AND text.reused_from_run_id IS NULL
       AND text.transcript_path IS NOT NULL  -- NULL: the file is known to be gone
       AND (text.record_id = wanted.record_id OR text.statistics_id = wanted.statistics_id
            OR text.checksum = wanted.checksum)
       AND (text.run_id, text.record_id) <> (wanted.run_id, wanted.record_id)
     ORDER BY wanted.call_id, wanted.record_id, text.updated_at DESC
), reused AS (
    UPDATE call_records own
       SET status = :to, reused_from_run_id = bought.run_id,
           raw_path = coalesce(own.raw_path, bought.raw_path), checksum = coalesce(own.checksum, bought.checksum),
           transcript_path = bought.transcript_path, summary_path = bought.summary_path, tags = bought.tags,
           text_preview = bought.text_preview, language = bought.language, roles = bought.roles,
           source = bought.source, model = bought.model, cost = bought.cost, currency_code = bought.currency_code,
           audio_sec = bought.audio_sec, needs_review = bought.needs_review, review_reasons = bought.review_reasons,
           words_per_minute = bought.words_per_minute, confidence = bought.confidence,
           summary_cost = bought.summary_cost, summary_bought = false, spent_earlier = own.spent - own.spent_unfinished,
           error_code = NULL, error_message = NULL, first_failed_at = NULL, stage_attempts = 0, updated_at = now()
      FROM bought
     WHERE own.run_id = :run_id AND own.call_id = own_call_id AND own.record_id = own_record_id
    RETURNING own.run_id, own.call_id, own.record_id, own.reused_from_run_id, bought.was
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT run_id, call_id, record_id, :stage, :to, jsonb_build_object('from', was, 'reused_from', reused_from_run_id)
  FROM reused;
