-- Texts. The body is here as well as in the storage; a text that was replaced keeps its row.

-- name: keep_text
-- The row of a text that the run made. The same words of the same recording are the same row, with the newest figures.
INSERT INTO transcripts AS text (recording_id, sha256, body, preview, language, roles, source, model, words_per_minute,
                                 confidence, role_signs, purchase_no, run_id)
SELECT own.recording_id, :sha256, :body, :preview, :language, :roles, :source, :model, :words_per_minute, :confidence,
       :role_signs, own.purchase_no, :run_id
  FROM recordings own WHERE own.recording_id = :recording_id
ON CONFLICT (recording_id, sha256) DO UPDATE
   SET body = excluded.body, preview = excluded.preview, language = excluded.language, roles = excluded.roles,
       source = excluded.source, model = excluded.model, words_per_minute = excluded.words_per_minute,
       confidence = excluded.confidence, role_signs = excluded.role_signs, purchase_no = excluded.purchase_no, run_id = excluded.run_id
RETURNING transcript_id;

-- name: text
-- One text.
SELECT transcript_id, recording_id, sha256, body, preview, language, roles, source, model, words_per_minute, confidence,
       role_signs, purchase_no, run_id, created_at
  FROM transcripts WHERE transcript_id = :transcript_id;

-- name: set_summary!
-- Tags and the file of a summary, if the summarised text is still the current one.
UPDATE recordings SET summary_path = :summary_path, tags = :tags, text_at = now(), updated_at = now()
 WHERE recording_id = :recording_id AND transcript_id = :transcript_id AND status = ANY(:with_text);

-- name: replace_text
-- A text built anew becomes the current one of every recording that shows the text :read_id, guarded by that number. It
-- belongs to the same purchase and buyer. A summary of other words is forgotten; its charge stays in the ledger.
-- No row if :read_id is not current or its text has ended, or if nothing differs.
WITH old AS (
    SELECT own.recording_id, own.portal_id, own.call_id, own.record_id, own.review_reasons, text.recording_id AS bought_for,
           text.transcript_id, text.roles, text.model, text.purchase_no, text.run_id AS buyer,
           text.sha256 <> :sha256 AS other_words
      FROM recordings own JOIN transcripts text USING (transcript_id)
     WHERE own.recording_id = :recording_id AND own.transcript_id = :read_id AND own.status = ANY(:with_text)
       AND own.text_ended_at IS NULL
       AND ((text.sha256, text.preview, text.roles, text.source, text.model, own.needs_review, own.review_reasons,
             text.language, text.words_per_minute, text.confidence, text.role_signs)
            IS DISTINCT FROM (:sha256::text, :preview::text, :roles::text, :source::text, :model::text,
                              :needs_review::boolean, :review_reasons::text[], :language::text,
                              :words_per_minute::numeric(8, 1), :confidence::numeric(5, 4),
                              :role_signs::smallint))
       FOR NO KEY UPDATE OF own
), kept AS (
    INSERT INTO transcripts AS text (recording_id, sha256, body, preview, language, roles, source, model,
                                     words_per_minute, confidence, role_signs, purchase_no, run_id)
    SELECT bought_for, :sha256, :body, :preview, :language, :roles, :source, :model, :words_per_minute, :confidence,
           :role_signs, purchase_no, buyer
      FROM old
    ON CONFLICT (recording_id, sha256) DO UPDATE
       SET body = excluded.body, preview = excluded.preview, language = excluded.language, roles = excluded.roles,
           source = excluded.source, model = excluded.model, words_per_minute = excluded.words_per_minute,
           confidence = excluded.confidence, role_signs = excluded.role_signs, purchase_no = excluded.purchase_no, run_id = excluded.run_id
    RETURNING transcript_id
), replaced AS (
    UPDATE recordings shown
       SET transcript_id = kept.transcript_id, needs_review = :needs_review, review_reasons = :review_reasons,
           summary_path = CASE WHEN other_words THEN NULL ELSE shown.summary_path END,
           tags = CASE WHEN other_words THEN '{}' ELSE shown.tags END, text_at = now(), updated_at = now()
      FROM old CROSS JOIN kept
     WHERE shown.portal_id = old.portal_id AND shown.call_id = old.call_id AND shown.transcript_id = :read_id
       AND shown.status = ANY(:with_text)
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
SELECT :run_id::uuid, call_id, record_id, recording_id, :stage, 'rebuilt',
       jsonb_build_object('roles', jsonb_build_array(roles, :roles::text), 'model', jsonb_build_array(model, :model::text),
                          'review_reasons', jsonb_build_array(review_reasons, :review_reasons::text[]),
                          'other_words', other_words, 'was', transcript_id)
  FROM old
RETURNING id;

-- name: note_file!
-- The file of a recording's current text was written again with the same words: copies of it are stale.
UPDATE recordings own SET text_at = now(), updated_at = now()
  FROM recordings known
 WHERE known.recording_id = :recording_id AND own.portal_id = known.portal_id AND own.call_id = known.call_id
   AND own.transcript_id = known.transcript_id;
