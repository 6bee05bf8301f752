-- Texts built anew from answers that were paid for: same recording, same price, perhaps other roles or flags.

-- name: copies_of_text
-- The record itself, the record that bought its text, and whoever else shows the very same file.
SELECT DISTINCT other.run_id, other.call_id, other.record_id, other.transcript_path
  FROM call_records own
  JOIN call_records other
    ON other.call_id = own.call_id AND other.status = 'completed' AND other.transcript_path IS NOT NULL
   AND (other.transcript_path = own.transcript_path
        OR other.run_id = own.reused_from_run_id AND other.reused_from_run_id IS NULL
           AND (other.record_id = own.record_id OR other.statistics_id = own.statistics_id
                OR other.checksum = own.checksum))
 WHERE own.run_id = :run_id AND own.call_id = :call_id AND own.record_id = :record_id AND own.status = 'completed'
 ORDER BY other.transcript_path, other.run_id;

-- name: rebuild_text
-- Guarded by the file that was read. A summary of other words goes with them; what it cost was paid and stays.
WITH old AS (
    SELECT roles, model, language, review_reasons FROM call_records
     WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = 'completed'
       AND transcript_path = :transcript_path
       AND (:other_words::boolean
            OR (text_preview, language, roles, model, words_per_minute, confidence, review_reasons) IS DISTINCT FROM
               (:text_preview::text, :language::text, :roles::text, :model::text, :words_per_minute::numeric,
                :confidence::numeric, :review_reasons::text[]))
       FOR UPDATE
), rebuilt AS (
    UPDATE call_records own
       SET text_preview = :text_preview, language = :language, roles = :roles, model = :model,
           words_per_minute = :words_per_minute, confidence = :confidence, needs_review = :needs_review,
           review_reasons = :review_reasons, updated_at = now(),
           summary_path = CASE WHEN :other_words::boolean THEN NULL ELSE own.summary_path END,
           tags = CASE WHEN :other_words::boolean THEN '{}' ELSE own.tags END
      FROM old
     WHERE own.run_id = :run_id AND own.call_id = :call_id AND own.record_id = :record_id
    RETURNING old.roles AS was_roles, old.model AS was_model, old.review_reasons AS was_reasons
)
INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
SELECT :run_id, :call_id, :record_id, :stage, 'rebuilt',
       jsonb_build_object('roles', jsonb_build_array(was_roles, :roles::text),
                          'model', jsonb_build_array(was_model, :model::text),
                          'review_reasons', jsonb_build_array(was_reasons, :review_reasons::text[]),
                          'other_words', :other_words::boolean)
  FROM rebuilt
RETURNING id;
