-- How data ends: which recordings are past a period, what they give up, and the files that are to be removed. `:before` is
-- the instant that `Ends` in include/calls/domain/data_classes.py gives for the class.

-- name: with_audio
-- A page of recordings whose audio is past its period and may end.
SELECT recording_id, portal_id, call_id, call_started_at, file_name, raw_path, transcript_path, summary_path,
       ARRAY(SELECT key FROM replays, unnest(ARRAY[path, earlier_path]) AS key
              WHERE replays.recording_id = own.recording_id AND key IS NOT NULL) AS replay_paths
  FROM recordings own
 WHERE recording_id > :after AND call_started_at < :before AND raw_path IS NOT NULL AND may_end(own, :before)
 ORDER BY recording_id
 LIMIT :most;

-- name: with_recognition
-- The same for the recogniser's responses.
SELECT recording_id, portal_id, call_id, call_started_at, file_name, raw_path, transcript_path, summary_path,
       ARRAY(SELECT key FROM replays, unnest(ARRAY[path, earlier_path]) AS key
              WHERE replays.recording_id = own.recording_id AND key IS NOT NULL) AS replay_paths
  FROM recordings own
 WHERE recording_id > :after AND call_started_at < :before AND recognition_ended_at IS NULL AND file_name IS NOT NULL
   AND may_end(own, :before)
 ORDER BY recording_id
 LIMIT :most;

-- name: with_text
-- The same for texts. A recording that has none ends too: no run buys one for it any more.
SELECT recording_id, portal_id, call_id, call_started_at, file_name, raw_path, transcript_path, summary_path,
       ARRAY(SELECT key FROM replays, unnest(ARRAY[path, earlier_path]) AS key
              WHERE replays.recording_id = own.recording_id AND key IS NOT NULL) AS replay_paths
  FROM recordings own
 WHERE recording_id > :after AND call_started_at < :before AND text_ended_at IS NULL AND may_end(own, :before)
 ORDER BY recording_id
 LIMIT :most;

-- name: with_names
-- The same for numbers, names and ids. Everything else of the recording has ended before, its files are gone.
SELECT recording_id, portal_id, call_id, call_started_at, file_name, raw_path, transcript_path, summary_path,
       ARRAY(SELECT key FROM replays, unnest(ARRAY[path, earlier_path]) AS key
              WHERE replays.recording_id = own.recording_id AND key IS NOT NULL) AS replay_paths
  FROM recordings own
 WHERE recording_id > :after AND call_started_at < :before AND anonymised_at IS NULL AND text_ended_at IS NOT NULL
   AND raw_path IS NULL AND (recognition_ended_at IS NOT NULL OR file_name IS NULL)
   AND NOT EXISTS (SELECT FROM file_removals removal WHERE removal.recording_id = own.recording_id)
   AND may_end(own, :before)
 ORDER BY recording_id
 LIMIT :most;

-- name: held
-- How many recordings are past their period and stay because of a hold.
SELECT count(*) FROM recordings own
 WHERE call_started_at < :before AND is_held(own)
   AND CASE :data WHEN 'audio' THEN raw_path IS NOT NULL
                  WHEN 'recognition' THEN recognition_ended_at IS NULL AND file_name IS NOT NULL
                  WHEN 'texts' THEN text_ended_at IS NULL
                  ELSE anonymised_at IS NULL END;

-- name: end_audio!
-- The row gives up its audio and orders the removal of the file. A recording that waited for its recognition asks the
-- telephony system again, if a run ever takes it up.
WITH due AS (
    SELECT own.recording_id, own.status AS was, ended.keys
      FROM jsonb_to_recordset(:recordings) AS ended (recording_id bigint, keys text[])
      JOIN recordings own USING (recording_id)
     WHERE own.raw_path = ANY(ended.keys) AND own.status <> ALL(:at_work) AND may_end(own, :before)
       FOR NO KEY UPDATE OF own SKIP LOCKED
), moved AS (
    UPDATE recordings own
       SET status = CASE WHEN was = ANY(:expected) THEN :to ELSE was END, raw_path = NULL, updated_at = now()
      FROM due WHERE own.recording_id = due.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, due.was, due.keys
), ordered AS (
    INSERT INTO file_removals (recording_id, what, keys) SELECT recording_id, :data, keys FROM moved
)
INSERT INTO call_events (call_id, record_id, recording_id, stage, event, detail)
SELECT call_id, record_id, recording_id, :stage, 'audio_ended', jsonb_build_object('from', was, 'before', :before::timestamptz)
  FROM moved;

-- name: end_recognition!
-- The same for the recogniser's responses, in the storage and in the database, other engines' too. Responses of audio that
-- another recording has too, one on hold or a newer one, stay until its own end.
WITH due AS (
    SELECT own.recording_id, ended.keys
      FROM jsonb_to_recordset(:recordings) AS ended (recording_id bigint, keys text[])
      JOIN recordings own USING (recording_id)
     WHERE own.recognition_ended_at IS NULL AND own.status <> ALL(:at_work) AND may_end(own, :before)
       FOR NO KEY UPDATE OF own SKIP LOCKED
), ended AS (
    UPDATE recordings own SET recognition_ended_at = now(), updated_at = now()
      FROM due WHERE own.recording_id = due.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, own.checksum, due.keys
), known AS (
    SELECT checksum FROM recognition_responses WHERE checksum IN (SELECT checksum FROM ended)
     UNION SELECT checksum FROM replay_responses WHERE checksum IN (SELECT checksum FROM ended)
), unshared AS (
    SELECT checksum FROM known
     WHERE NOT EXISTS (SELECT FROM recordings other
                        WHERE other.checksum = known.checksum AND other.recognition_ended_at IS NULL
                          AND other.recording_id NOT IN (SELECT recording_id FROM ended))
), forgotten AS (
    DELETE FROM recognition_responses WHERE checksum IN (SELECT checksum FROM unshared)
), other_engines AS (
    DELETE FROM replays USING ended WHERE replays.recording_id = ended.recording_id
), their_responses AS (
    DELETE FROM replay_responses WHERE checksum IN (SELECT checksum FROM unshared)
), ordered AS (
    INSERT INTO file_removals (recording_id, what, keys) SELECT recording_id, :data, keys FROM ended
)
INSERT INTO call_events (call_id, record_id, recording_id, stage, event, detail)
SELECT call_id, record_id, recording_id, :stage, 'recognition_ended', jsonb_build_object('before', :before::timestamptz)
  FROM ended;

-- name: end_text!
-- The tombstone. The words leave the database in this statement: body, preview, tags, stored responses, an analyst's
-- comment. The text's row stays with its figures. What has no text yet gets none: as if the audio were missing.
WITH due AS (
    SELECT own.recording_id, own.status AS was, ended.keys
      FROM jsonb_to_recordset(:recordings) AS ended (recording_id bigint, keys text[])
      JOIN recordings own USING (recording_id)
     WHERE own.text_ended_at IS NULL AND own.status <> ALL(:at_work) AND may_end(own, :before)
       FOR NO KEY UPDATE OF own SKIP LOCKED
), moved AS (
    UPDATE recordings own
       SET status = CASE WHEN was = ANY(:expected) THEN :to ELSE was END,
           text_ended_at = now(), transcript_path = NULL, summary_path = NULL, tags = '{}', look_again_on = NULL,
           error_code = CASE WHEN was = ANY(:keeps_its_code) THEN own.error_code ELSE :error_code END,
           error_message = NULL, first_failed_at = NULL, updated_at = now()
      FROM due WHERE own.recording_id = due.recording_id
    RETURNING own.recording_id, own.call_id, own.record_id, own.checksum, own.status, due.was, due.keys
), words AS (
    UPDATE transcripts text SET body = '', preview = '' FROM moved WHERE text.recording_id = moved.recording_id
    RETURNING text.sha256
), known AS (
    SELECT checksum FROM recognition_responses
     WHERE checksum IN (SELECT checksum FROM moved UNION ALL SELECT sha256 FROM words)
     UNION SELECT checksum FROM replay_responses WHERE checksum IN (SELECT checksum FROM moved)
), unshared AS (
    SELECT checksum FROM known
     WHERE NOT EXISTS (SELECT FROM recordings other
                        WHERE other.checksum = known.checksum AND other.text_ended_at IS NULL
                          AND other.recording_id NOT IN (SELECT recording_id FROM moved))
       AND NOT EXISTS (SELECT FROM transcripts text JOIN recordings other USING (recording_id)
                        WHERE text.sha256 = known.checksum AND other.text_ended_at IS NULL
                          AND other.recording_id NOT IN (SELECT recording_id FROM moved))
), responses AS (
    DELETE FROM recognition_responses WHERE checksum IN (SELECT checksum FROM unshared)
), other_engines AS (
    DELETE FROM replays USING moved WHERE replays.recording_id = moved.recording_id
), their_responses AS (
    DELETE FROM replay_responses WHERE checksum IN (SELECT checksum FROM unshared)
), comments AS (
    UPDATE call_qa_checks judged SET comment = '' FROM moved
     WHERE judged.recording_id = moved.recording_id AND judged.comment <> ''
), letters AS (
    UPDATE dead_letters letter SET replayed_at = coalesce(replayed_at, now()), error_message = NULL FROM moved
     WHERE letter.recording_id = moved.recording_id
), ordered AS (
    INSERT INTO file_removals (recording_id, what, keys) SELECT recording_id, :data, keys FROM moved WHERE keys <> '{}'
)
INSERT INTO call_events (call_id, record_id, recording_id, stage, event, detail)
SELECT call_id, record_id, recording_id, :stage, 'text_ended',
       jsonb_build_object('from', was, 'to', status, 'before', :before::timestamptz)
  FROM moved;

-- name: anonymise!
-- Numbers, names and ids leave the row; figures stay. statistics_id stays too: by it a later listing knows the row and
-- does not bring the person back.
WITH due AS (
    SELECT own.recording_id
      FROM jsonb_to_recordset(:recordings) AS ended (recording_id bigint)
      JOIN recordings own USING (recording_id)
     WHERE own.anonymised_at IS NULL AND own.text_ended_at IS NOT NULL AND may_end(own, :before)
       FOR NO KEY UPDATE OF own SKIP LOCKED
), nameless AS (
    UPDATE recordings own
       SET anonymised_at = now(), call_id = 'anonymised-' || own.recording_id, record_id = own.recording_id::text,
           from_number = '', to_number = '', employee_id = NULL, employee_name = NULL, recording_url = NULL,
           recording_ref = NULL, phone_line = '', file_name = NULL, checksum = NULL, error_message = NULL,
           updated_at = now()
      FROM due WHERE own.recording_id = due.recording_id
    RETURNING own.recording_id
), texts AS (
    UPDATE transcripts text SET sha256 = 'anonymised-' || transcript_id FROM nameless
     WHERE text.recording_id = nameless.recording_id
), judged AS (
    UPDATE call_qa_checks checked SET checked_by = '' FROM nameless WHERE checked.recording_id = nameless.recording_id
)
INSERT INTO call_events (recording_id, stage, event, detail)
SELECT recording_id, :stage, 'anonymised', jsonb_build_object('before', :before::timestamptz) FROM nameless;

-- name: anonymise_runs!
-- Who started the runs of that time.
UPDATE call_exports SET actor = '' WHERE finished_at < :before AND actor <> '';

-- name: waiting
-- A page of removals: files that are to be removed, and files that were removed a night ago. The latter are looked at once
-- more: a task that had read the row before may have written its file again. What was put on hold meanwhile waits.
SELECT removal.removal_id, removal.recording_id, own.portal_id, own.call_id, removal.what, removal.keys,
       removal.removed_at IS NULL AS first
  FROM file_removals removal JOIN recordings own USING (recording_id)
 WHERE removal.removal_id > :after AND (removal.removed_at IS NULL OR removal.removed_at < now() - interval '12 hours')
   AND NOT is_held(own)
 ORDER BY removal.removal_id
 LIMIT :most;

-- name: named_again
-- Keys of removals that a recording of the call names again: it was downloaded or bought anew. Read under the claim.
SELECT DISTINCT key
  FROM file_removals removal
  JOIN recordings own USING (recording_id)
  JOIN recordings part ON part.portal_id = own.portal_id AND part.call_id = own.call_id
 CROSS JOIN LATERAL unnest(removal.keys) AS key
 WHERE removal.removal_id = ANY(:removal_ids)
   AND (key IN (part.raw_path, part.transcript_path, part.summary_path)
        OR removal.what = :recognition AND own.recognition_ended_at IS NULL);

-- name: settle!
-- Files are gone: noted the first time, the order itself goes the second time.
WITH done AS (
    SELECT removal_id, recording_id, what, keys, removed_at IS NULL AS first
      FROM file_removals WHERE removal_id = ANY(:removal_ids) FOR UPDATE
), gone AS (
    DELETE FROM file_removals removal USING done WHERE removal.removal_id = done.removal_id AND NOT done.first
), noted AS (
    UPDATE file_removals removal SET removed_at = now() FROM done
     WHERE removal.removal_id = done.removal_id AND done.first
)
INSERT INTO call_events (call_id, record_id, recording_id, stage, event, detail)
SELECT own.call_id, own.record_id, own.recording_id, :stage, 'files_removed',
       jsonb_build_object('what', done.what, 'files', cardinality(done.keys))
  FROM done JOIN recordings own USING (recording_id) WHERE done.first;

-- name: ended_names
-- Those of the file names whose recording has no text any more; with `:audio`, no audio.
SELECT file_name FROM recordings
 WHERE file_name = ANY(:file_names)
   AND CASE WHEN :audio::boolean THEN raw_path IS NULL ELSE text_ended_at IS NOT NULL END;

-- name: is_period_held
-- Whether a hold concerns a call of these days.
SELECT EXISTS (SELECT FROM holds_in_force)
       AND EXISTS (SELECT FROM recordings own
                    WHERE own.call_started_at >= :period_from
                      AND own.call_started_at < :period_to::timestamptz + interval '1 second' AND is_held(own))
       OR EXISTS (SELECT FROM holds_in_force WHERE period_from <= :period_to AND period_to >= :period_from);

-- name: forget_publications!
-- The registry at the key is gone, and who published it does not matter any more.
DELETE FROM publications WHERE registry_key = ANY(:keys);

-- name: forget_deliveries!
-- Nothing delivered is left in the folder: a later publication does not fill it again unasked.
DELETE FROM deliveries WHERE starts_with(registry_key, 'exports/' || :folder || '/registry/');

-- name: event_months
-- Months of events that lie before the instant and whose counters are folded.
SELECT part.relname
  FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
 WHERE inhparent = 'call_events'::regclass AND part.relname ~ '^call_events_[0-9]{4}_[0-9]{2}$'
   AND to_timestamp(right(part.relname, 7), 'YYYY_MM') + interval '1 month' <= :before
 ORDER BY part.relname;

-- name: end_event_month
-- Drops the month, or what of it is not on hold; returns how many events.
SELECT end_event_month(:month);
