-- Stored recordings through another engine. Its payments belong to no run and, until a person adopts the text, to no
-- purchase of a recording: their purchase_no is 0.

-- name: wanted
-- The texts of a period whose audio is stored, each with what the engine has cost on it. A trial of :most takes them in
-- an order that does not change and does not follow the calendar; a larger one contains a smaller one.
SELECT own.recording_id, own.portal_id, own.call_id, coalesce(own.audio_sec, own.duration_sec)::numeric AS audio_sec,
       known.recording_id IS NOT NULL AS heard, known.adopted_at IS NOT NULL AS adopted,
       coalesce((SELECT sum(usd) FROM charges paid
                  WHERE paid.recording_id = own.recording_id AND paid.purpose = 'replay' AND paid.model = :engine), 0) AS paid
  FROM recordings own
  JOIN transcripts text ON text.transcript_id = own.transcript_id AND text.recording_id = own.recording_id
  LEFT JOIN replays known ON known.recording_id = own.recording_id AND known.engine = :engine AND known.checksum = own.checksum
 WHERE own.call_started_at >= :period_from AND own.call_started_at < :period_to::timestamptz + interval '1 second'
   AND own.status = ANY(:with_text) AND own.text_ended_at IS NULL AND own.recognition_ended_at IS NULL
   AND own.raw_path IS NOT NULL AND own.checksum IS NOT NULL
 ORDER BY CASE WHEN :most::integer IS NOT NULL THEN md5(own.recording_id::text) END, own.call_started_at, own.statistics_id
 LIMIT :most::integer;

-- name: stored_responses
-- Responses of one recording by piece, each with the seconds that it took.
SELECT piece, response, seconds::float FROM replay_responses WHERE checksum = :checksum AND engine = :engine;

-- name: keep_response!
-- The response and its charge in one statement. The first response stays, and a second one is not charged.
WITH kept AS (
    INSERT INTO replay_responses (checksum, piece, engine, response, seconds)
    VALUES (:checksum, :piece, :engine, :response, :seconds)
    ON CONFLICT DO NOTHING
    RETURNING checksum
)
INSERT INTO charges AS paid (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
SELECT NULL, :recording_id::bigint, 0, 'replay', :engine, 'second', :quantity::numeric, :usd::numeric, false
  FROM kept
ON CONFLICT (recording_id, purchase_no, purpose, model, run_id) DO UPDATE
   SET quantity = paid.quantity + excluded.quantity, usd = paid.usd + excluded.usd, requests = paid.requests + 1;

-- name: round_up!
-- The bill is for whole minutes of a call: the row of its pieces grows to them. A second time changes nothing.
UPDATE charges SET quantity = greatest(quantity, :quantity::numeric), usd = greatest(usd, :usd::numeric)
 WHERE recording_id = :recording_id AND purchase_no = 0 AND purpose = 'replay' AND model = :engine;

-- name: keep!
-- What the engine heard, compared with a text. A comparison with another text takes the place of an earlier one; so does
-- other audio, which was never adopted. Nothing is kept of what retention has ended.
INSERT INTO replays AS known (recording_id, engine, checksum, path, audio_sec, seconds, against, words, substitutions, deletions,
                              insertions)
SELECT own.recording_id, :engine, :checksum, :path, :audio_sec, :seconds, :against, :words, :substitutions, :deletions, :insertions
  FROM recordings own
 WHERE own.recording_id = :recording_id AND own.text_ended_at IS NULL AND own.recognition_ended_at IS NULL
   FOR SHARE
ON CONFLICT (recording_id, engine) DO UPDATE
   SET checksum = excluded.checksum, path = excluded.path, audio_sec = excluded.audio_sec, seconds = excluded.seconds,
       against = excluded.against, words = excluded.words, substitutions = excluded.substitutions,
       deletions = excluded.deletions, insertions = excluded.insertions, heard_at = now(),
       adopted_at = CASE WHEN known.checksum = excluded.checksum THEN known.adopted_at END,
       adopted_by = CASE WHEN known.checksum = excluded.checksum THEN known.adopted_by END;

-- name: forget_responses!
-- The recording is heard whole: its responses are in a file.
DELETE FROM replay_responses WHERE checksum = :checksum AND engine = :engine;

-- name: heard
-- What the engine has heard of these recordings, beside the text that it was compared with and the price of both. The
-- seconds of the text are those of the task that made it, cutting and waiting included; NULL if its history is gone.
SELECT known.recording_id, own.call_id, own.record_id, own.call_started_at, own.utc_offset_sec, own.transcript_path,
       known.path, known.audio_sec, known.seconds::float AS seconds, known.words, known.substitutions, known.deletions,
       known.insertions, known.against, known.adopted_at, text.model, own.transcript_id = known.against AS current,
       coalesce((SELECT sum(usd) FROM charges paid
                  WHERE paid.recording_id = known.recording_id AND paid.purpose = 'replay' AND paid.model = :engine), 0) AS cost,
       coalesce((SELECT sum(usd) FROM charges paid
                  WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
                    AND paid.purpose IN ('recognition', 'fallback', 'rounding', 'replay')), 0) AS text_cost,
       (SELECT duration_ms / 1000.0 FROM call_events made
         WHERE made.recording_id = known.recording_id AND made.stage = 'transcribe' AND made.event = ANY(:with_text)
           AND made.detail ->> 'sha256' = text.sha256
         ORDER BY made.id DESC LIMIT 1)::float AS text_seconds
  FROM replays known
  JOIN recordings own USING (recording_id)
  JOIN transcripts text ON text.transcript_id = known.against
 WHERE known.engine = :engine AND known.recording_id = ANY(:recordings)
 ORDER BY own.call_started_at, own.statistics_id;

-- name: note_earlier!
-- Where the recognition of the text that is about to be replaced is going to be copied. Written before the copy is made.
UPDATE replays SET earlier_path = :path
 WHERE recording_id = :recording_id AND engine = :engine AND adopted_at IS NULL;

-- name: adopt
-- What the engine heard becomes the text of every recording that shows the text :read_id, guarded by that number and by
-- the audio. It is a new purchase, to which the engine's payments belong from now on; the run that bought the earlier
-- text stays its buyer, for a replay belongs to no run. A summary of other words is forgotten.
-- No row if :read_id is not current, if the audio is another, or if it is adopted already.
WITH old AS (
    SELECT own.recording_id, own.portal_id, own.call_id, own.record_id, own.purchase_no + 1 AS purchase_no, own.review_reasons,
           text.transcript_id, text.roles, text.model, text.run_id AS buyer, text.sha256 <> :sha256 AS other_words
      FROM recordings own
      JOIN transcripts text USING (transcript_id)
      JOIN replays known ON known.recording_id = own.recording_id AND known.engine = :engine AND known.checksum = own.checksum
     WHERE own.recording_id = :recording_id AND own.transcript_id = :read_id AND text.recording_id = own.recording_id
       AND own.status = ANY(:with_text) AND own.text_ended_at IS NULL AND known.adopted_at IS NULL
       FOR NO KEY UPDATE OF own, known
), kept AS (
    INSERT INTO transcripts AS text (recording_id, sha256, body, preview, language, roles, source, model, words_per_minute,
                                     confidence, role_signs, purchase_no, run_id)
    SELECT recording_id, :sha256, :body, :preview, :language, :roles, :source, :model, :words_per_minute, :confidence,
           :role_signs, purchase_no, buyer
      FROM old
    ON CONFLICT (recording_id, sha256) DO UPDATE
       SET body = excluded.body, preview = excluded.preview, language = excluded.language, roles = excluded.roles,
           source = excluded.source, model = excluded.model, words_per_minute = excluded.words_per_minute,
           confidence = excluded.confidence, role_signs = excluded.role_signs, purchase_no = excluded.purchase_no, run_id = excluded.run_id
    RETURNING transcript_id
), shown AS (
    UPDATE recordings shown
       SET transcript_id = kept.transcript_id, needs_review = :needs_review, review_reasons = :review_reasons,
           purchase_no = CASE WHEN shown.recording_id = old.recording_id THEN old.purchase_no ELSE shown.purchase_no END,
           summary_path = CASE WHEN other_words THEN NULL ELSE shown.summary_path END,
           tags = CASE WHEN other_words THEN '{}' ELSE shown.tags END, text_at = now(), updated_at = now()
      FROM old CROSS JOIN kept
     WHERE shown.portal_id = old.portal_id AND shown.call_id = old.call_id AND shown.transcript_id = :read_id
       AND shown.status = ANY(:with_text)
), bought AS (
    UPDATE charges paid SET purchase_no = old.purchase_no
      FROM old
     WHERE paid.recording_id = old.recording_id AND paid.purchase_no = 0 AND paid.purpose = 'replay' AND paid.model = :engine
), adopted AS (
    UPDATE replays known SET adopted_at = now(), adopted_by = :actor
      FROM old WHERE known.recording_id = old.recording_id AND known.engine = :engine
)
INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
SELECT NULL, call_id, record_id, recording_id, :stage, 'adopted',
       jsonb_build_object('engine', :engine::text, 'by', :actor::text, 'was', transcript_id, 'other_words', other_words,
                          'roles', jsonb_build_array(roles, :roles::text), 'model', jsonb_build_array(model, :model::text),
                          'review_reasons', jsonb_build_array(review_reasons, :review_reasons::text[]))
  FROM old
RETURNING id;

-- name: summaries
-- The files of the summaries of a text, of all recordings of the call that show it.
SELECT shown.summary_path
  FROM recordings own
  JOIN recordings shown ON shown.portal_id = own.portal_id AND shown.call_id = own.call_id AND shown.transcript_id = own.transcript_id
 WHERE own.recording_id = :recording_id AND shown.summary_path IS NOT NULL;
