-- Earlier texts whose files are not where their rows say.

-- name: copies
-- The same bought text as later runs have copied it; the newest is the likeliest to be there still.
SELECT transcript_path, max(summary_path)
  FROM call_records
 WHERE call_id = :call_id AND status = 'completed' AND reused_from_run_id = :source_run AND transcript_path <> :path
   AND (record_id = :record_id OR statistics_id = :statistics_id OR checksum = :checksum)
 GROUP BY transcript_path
 ORDER BY max(updated_at) DESC;

-- name: give_back!
-- The buyer's row loses the path as well, or the next night would choose the same dead file again.
WITH old AS (
    SELECT run_id, call_id, record_id, status AS was
      FROM call_records
     WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = ANY(:expected)
       AND reused_from_run_id = :source_run AND transcript_path = :path
       FOR UPDATE
), own AS (
    UPDATE call_records mine
       SET status = :to, reused_from_run_id = NULL, raw_path = NULL, transcript_path = NULL, summary_path = NULL,
           tags = '{}', text_preview = NULL, language = NULL, roles = NULL, source = NULL, model = NULL, cost = NULL,
           audio_sec = NULL, needs_review = false, review_reasons = '{}', words_per_minute = NULL, confidence = NULL,
           updated_at = now()
      FROM old
     WHERE mine.run_id = old.run_id AND mine.call_id = old.call_id AND mine.record_id = old.record_id
    RETURNING mine.run_id, mine.call_id, mine.record_id, old.was
), buyer AS (
    UPDATE call_records text SET transcript_path = NULL
      FROM own
     WHERE text.call_id = own.call_id AND text.status = 'completed' AND text.reused_from_run_id IS NULL
       AND text.run_id = :source_run AND text.transcript_path = :path
    RETURNING text.run_id, text.call_id, text.record_id
), told AS (
    INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
    SELECT run_id, call_id, record_id, :stage, 'text_gone', jsonb_build_object('path', :path::text) FROM buyer
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT run_id, call_id, record_id, :stage, :to,
       jsonb_build_object('from', was, 'why', 'the earlier text is gone from the storage')
  FROM own;
