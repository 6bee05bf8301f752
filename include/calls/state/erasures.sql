-- Erasures on a person's demand: the demand, the tombstones, and what each of them takes out of the other tables.

-- name: register!
-- A demand, once for a DAG run, with its event.
WITH asked AS (
    INSERT INTO erasures (erasure_id, dag_run_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by,
                          demanded_at)
    VALUES (:erasure_id, :dag_run_id, :kind, :subject_hash, :key_name, :masked, :reason, :asked_by, :triggered_by,
            coalesce(:demanded_on::date::timestamp AT TIME ZONE 'UTC', now()))
    ON CONFLICT (dag_run_id) DO NOTHING
    RETURNING erasure_id
)
INSERT INTO call_events (stage, event, detail)
SELECT :stage, 'erasure_asked', jsonb_build_object('erasure_id', erasure_id) FROM asked;

-- name: of_dag_run
-- The demand that this DAG run has registered.
SELECT erasure_id, dag_run_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by, demanded_at, status,
       decided_by, decided_at, settled_at, rewritten, looked
  FROM erasures WHERE dag_run_id = :dag_run_id;

-- name: page
-- Demands, the newest first, after that one.
SELECT erasure_id, dag_run_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by, demanded_at, status,
       decided_by, decided_at, settled_at, rewritten, looked
  FROM erasures
 WHERE :after::uuid IS NULL
    OR (demanded_at, erasure_id) < (SELECT demanded_at, erasure_id FROM erasures WHERE erasure_id = :after)
 ORDER BY demanded_at DESC, erasure_id DESC
 LIMIT :most;

-- name: erasure
-- One erasure.
SELECT erasure_id, dag_run_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by, demanded_at, status,
       decided_by, decided_at, settled_at, rewritten, looked
  FROM erasures WHERE erasure_id = :erasure_id;

-- name: decided_in_favour
-- Every erasure whose tombstones stand, the oldest first.
SELECT erasure_id, dag_run_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by, demanded_at, status,
       decided_by, decided_at, settled_at, rewritten, looked
  FROM erasures WHERE status IN ('approved', 'settled') ORDER BY demanded_at, erasure_id;

-- name: decide
-- A person's decision, once. Returns the status that the erasure has now.
WITH decided AS (
    UPDATE erasures SET status = :to, decided_by = :decided_by, decided_at = :decided_at
     WHERE erasure_id = :erasure_id AND status = :expected
    RETURNING erasure_id, status, decided_by
), noted AS (
    INSERT INTO call_events (stage, event, detail)
    SELECT :stage, 'erasure_' || status, jsonb_build_object('erasure_id', erasure_id, 'by', decided_by) FROM decided
)
SELECT coalesce((SELECT status FROM decided), (SELECT status FROM erasures WHERE erasure_id = :erasure_id));

-- name: own_answer!
-- The person who triggered the erasure tried to approve it.
INSERT INTO call_events (stage, event, detail)
VALUES (:stage, 'erasure_own_answer_refused', jsonb_build_object('erasure_id', :erasure_id::text, 'by', :by::text));

-- name: bring!
-- An erasure that a restored database does not know, or knows as it was before the decision; with its event.
WITH brought AS (
    INSERT INTO erasures AS known (erasure_id, kind, subject_hash, key_name, masked, reason, asked_by, triggered_by,
                                   demanded_at, status, decided_by, decided_at)
    VALUES (:erasure_id, :kind, :subject_hash, :key_name, :masked, :reason, :asked_by, :triggered_by, :demanded_at, :to,
            :decided_by, :decided_at)
    ON CONFLICT (erasure_id) DO UPDATE
       SET status = excluded.status, decided_by = excluded.decided_by, decided_at = excluded.decided_at
     WHERE known.status = ANY(:expected)
    RETURNING erasure_id, decided_by
)
INSERT INTO call_events (stage, event, detail)
SELECT :stage, 'erasure_brought', jsonb_build_object('erasure_id', erasure_id, 'by', decided_by) FROM brought;

-- name: add_tombstone!
-- Of one erasure; brought again it keeps the later end.
INSERT INTO erasure_tombstones AS known (hash, kind, key_name, covers_until, erasure_id)
VALUES (:hash, :kind, :key_name, :covers_until, :erasure_id)
ON CONFLICT (erasure_id, hash) DO UPDATE SET covers_until = greatest(known.covers_until, excluded.covers_until);

-- name: tombstones
-- Every erased call and number, once for each erasure.
SELECT hash, kind, key_name, covers_until FROM erasure_tombstones;

-- name: tombstones_of
-- Those of one erasure.
SELECT hash, kind, key_name, covers_until FROM erasure_tombstones WHERE erasure_id = :erasure_id ORDER BY hash;

-- name: not_erased
-- Every recording that is not erased, with what tells whose it is.
SELECT recording_id, portal_id, call_id, from_number, to_number, phone_line, call_started_at
  FROM recordings WHERE status <> :erased;

-- name: preview
-- How much there is of these recordings.
SELECT count(DISTINCT (own.portal_id, own.call_id))::integer AS calls, count(*)::integer AS recordings,
       (count(*) FILTER (WHERE own.raw_path IS NOT NULL))::integer AS audio,
       (count(*) FILTER (WHERE own.transcript_id IS NOT NULL))::integer AS texts,
       (count(*) FILTER (WHERE own.summary_path IS NOT NULL))::integer AS summaries,
       (SELECT count(*) FROM call_qa_checks WHERE recording_id = ANY(:recording_ids))::integer AS qa_comments,
       (SELECT count(*) FROM dead_letters WHERE recording_id = ANY(:recording_ids))::integer AS dead_letters,
       (SELECT count(*) FROM call_events WHERE recording_id = ANY(:recording_ids))::integer AS events,
       min((own.call_started_at AT TIME ZONE 'UTC')::date) AS first_day,
       max((own.call_started_at AT TIME ZONE 'UTC')::date) AS last_day,
       (SELECT count(DISTINCT run_id) FROM call_events WHERE recording_id = ANY(:recording_ids))::integer AS runs
  FROM recordings own WHERE own.recording_id = ANY(:recording_ids);

-- name: mark!
-- The call's recordings leave the work and every report, each with its event; texts, comments, letters and stored responses
-- go at once. What is left in the row is what its files are found by. Called under the claim on the call.
WITH old AS (
    SELECT own.* FROM recordings own
     WHERE own.portal_id = :portal_id AND own.call_id = :call_id AND own.status = ANY(:expected)
       FOR NO KEY UPDATE
), marked AS (
    UPDATE recordings own
       SET status = :to,
           gone_at = coalesce(own.gone_at, now()), transcript_id = NULL, tags = '{}', error_message = NULL, look_again_on = NULL, first_failed_at = NULL, updated_at = now()
      FROM old WHERE own.recording_id = old.recording_id
    RETURNING own.recording_id, old.status AS was, old.call_started_at, old.statistics_id, old.gone_at
), taken AS (
    INSERT INTO erased_recordings (recording_id, erasure_id, removed)
    SELECT old.recording_id, :erasure_id,
           jsonb_strip_nulls(jsonb_build_object(
               'audio_row', old.checksum,
               'text', (SELECT jsonb_agg(sha256 ORDER BY sha256) FROM transcripts text
                         WHERE text.recording_id = old.recording_id)))
      FROM old
    ON CONFLICT (recording_id) DO NOTHING
), counted AS (  -- the listing of these runs has registered them; their reports say so no more
    UPDATE call_exports run
       SET metadata = run.metadata || jsonb_build_object(
               'registered', (run.metadata ->> 'registered')::integer - found.recordings,
               'erased', coalesce((run.metadata ->> 'erased')::integer, 0) + found.recordings)
      FROM (SELECT run_id, count(*)::integer AS recordings
              FROM call_exports JOIN marked ON call_exports.portal_id = :portal_id
               AND marked.call_started_at >= period_from AND marked.call_started_at < period_to + interval '1 second'
               AND marked.statistics_id <= coalesce(last_statistics_id, 9223372036854775807) AND marked.gone_at IS NULL
             WHERE metadata ->> 'registered' IS NOT NULL
             GROUP BY run_id) found
     WHERE run.run_id = found.run_id
)
INSERT INTO call_events (recording_id, call_id, record_id, stage, event, detail)
SELECT recording_id, 'erased-' || recording_id, 'erased-' || recording_id, :stage, :to::text,
       jsonb_build_object('from', was, 'erasure_id', :erasure_id::text)
  FROM marked;

-- name: forget_responses!
-- Stored responses of the recogniser and of the language model about the erasure's recordings.
DELETE FROM recognition_responses
 WHERE checksum IN (SELECT own.checksum FROM recordings own JOIN erased_recordings USING (recording_id)
                     WHERE erasure_id = :erasure_id AND own.checksum IS NOT NULL
                    UNION ALL
                    SELECT text.sha256 FROM transcripts text JOIN erased_recordings USING (recording_id)
                     WHERE erasure_id = :erasure_id);

-- name: forget_replay_responses!
-- Stored responses of other engines about the erasure's recordings.
DELETE FROM replay_responses
 WHERE checksum IN (SELECT own.checksum FROM recordings own JOIN erased_recordings USING (recording_id)
                     WHERE erasure_id = :erasure_id AND own.checksum IS NOT NULL);

-- name: forget_replays!
-- What other engines heard, compared with a text that goes.
DELETE FROM replays USING erased_recordings gone
 WHERE replays.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_checks!
-- Analysts' verdicts and comments.
DELETE FROM call_qa_checks USING erased_recordings gone
 WHERE call_qa_checks.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_letters!
-- Letters of the dead letter queue.
DELETE FROM dead_letters USING erased_recordings gone
 WHERE dead_letters.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_fixes!
-- Which channel a person said to be the operator's.
DELETE FROM call_role_overrides USING erased_recordings gone
 WHERE call_role_overrides.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_work!
-- What a dead task left at work.
DELETE FROM work_in_progress USING erased_recordings gone
 WHERE work_in_progress.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_texts!
-- The texts, the replaced ones too.
DELETE FROM transcripts USING erased_recordings gone
 WHERE transcripts.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: erasing#
-- For the rest of the transaction the history lets its events be blanked.
SET LOCAL call_export.erasing = 'on';

-- name: blank_events!
-- Events of the recordings keep what happened and the figures that counters are made of.
UPDATE call_events event
   SET call_id = 'erased-' || event.recording_id, record_id = 'erased-' || event.recording_id,
       detail = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(event.detail)
                  WHERE jsonb_typeof(value) IN ('number', 'boolean') OR key IN ('from', 'erasure_id'))
  FROM erased_recordings gone
 WHERE event.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id
   AND event.call_id IS DISTINCT FROM 'erased-' || event.recording_id;

-- name: blank_other_events!
-- Events of runs and of the portal whose details name the person.
UPDATE call_events event SET detail = '{"erased": true}'
 WHERE event.call_id IS NULL AND event.detail::text ~ :pattern;

-- name: held
-- How many of these recordings are on hold: they must not go before a person lifts it.
SELECT count(*) FROM recordings own WHERE own.recording_id = ANY(:recording_ids) AND is_held(own);

-- name: held_of_call
-- How many of the call's recordings are on hold, those too by which it was not found.
SELECT count(*) FROM recordings own WHERE own.portal_id = :portal_id AND own.call_id = :call_id AND is_held(own);

-- name: ordered_removals
-- Files that the retention has taken from the erasure's recordings and may not have removed yet.
SELECT DISTINCT unnest(order_.keys)
  FROM file_removals order_ JOIN erased_recordings gone USING (recording_id)
 WHERE gone.recording_id = :recording_id;

-- name: forget_removals!
-- Orders of the retention: their keys have the call's id in them, and the files are gone.
DELETE FROM file_removals USING erased_recordings gone
 WHERE file_removals.recording_id = gone.recording_id AND gone.erasure_id = :erasure_id;

-- name: forget_holds!
-- Holds that were lifted or have ended keep their reason and lose the call's id.
UPDATE holds SET call_id = 'erased-' || own.recording_id
  FROM recordings own JOIN erased_recordings gone USING (recording_id)
 WHERE gone.erasure_id = :erasure_id AND gone.blanked_at IS NULL AND holds.call_id = own.call_id;

-- name: marked
-- The erasure's recordings whose rows still hold what names them.
SELECT own.recording_id, own.portal_id, own.call_id, own.from_number, own.to_number, own.phone_line, own.call_started_at,
       own.file_name, own.raw_path, own.transcript_path, own.summary_path
  FROM erased_recordings gone JOIN recordings own USING (recording_id)
 WHERE gone.erasure_id = :erasure_id AND gone.blanked_at IS NULL
 ORDER BY own.recording_id;

-- name: note_removed!
-- Hashes of a recording's files as they were before; a repetition keeps what the first try saw.
UPDATE erased_recordings SET removed = :found::jsonb || removed WHERE recording_id = :recording_id;

-- name: runs_of
-- Runs whose history has these recordings.
SELECT DISTINCT run_id FROM call_events WHERE recording_id = ANY(:recording_ids) AND run_id IS NOT NULL;

-- name: published_run
-- Whose registry lies at this key.
SELECT run_id FROM publications WHERE registry_key = :registry_key;

-- name: left_in_tables
-- What is left of the erasure's recordings besides their rows.
SELECT (SELECT count(*) FROM transcripts WHERE recording_id = ANY(:recording_ids))
       + (SELECT count(*) FROM call_search WHERE recording_id = ANY(:recording_ids)) AS texts,
       (SELECT count(*) FROM call_qa_checks WHERE recording_id = ANY(:recording_ids)) AS comments,
       (SELECT count(*) FROM dead_letters WHERE recording_id = ANY(:recording_ids)) AS letters,
       (SELECT count(*) FROM call_events WHERE recording_id = ANY(:recording_ids)
                                           AND call_id IS DISTINCT FROM 'erased-' || recording_id)
       + (SELECT count(*) FROM call_events WHERE call_id IS NULL AND detail::text ~ :pattern) AS events,
       (SELECT count(*) FROM recognition_responses
         WHERE checksum IN (SELECT checksum FROM recordings WHERE recording_id = ANY(:recording_ids))) AS responses;

-- name: blank!
-- The last step: the rows lose what names the person. A row stays because the ledger's payments refer to it.
WITH blanked AS (
    UPDATE recordings own
       SET call_id = 'erased-' || own.recording_id, record_id = 'erased-' || own.recording_id,
           statistics_id = -own.recording_id, direction = 'unknown', from_number = '', to_number = '', phone_line = '',
           employee_id = NULL, employee_name = NULL, recording_url = NULL, recording_ref = NULL, file_name = NULL,
           raw_path = NULL, transcript_path = NULL, summary_path = NULL, checksum = NULL, duration_sec = 0,
           outcome = 'not_stated', outcome_code = '',
           call_started_at = date_trunc('day', own.call_started_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
           utc_offset_sec = 0, updated_at = now()
      FROM erased_recordings gone
     WHERE gone.recording_id = own.recording_id AND gone.erasure_id = :erasure_id AND gone.blanked_at IS NULL
    RETURNING own.recording_id
)
UPDATE erased_recordings gone SET blanked_at = now() FROM blanked WHERE gone.recording_id = blanked.recording_id;

-- name: note_rewritten!
-- A file that is going to be written again, with its hash; a repetition keeps what the first try saw.
UPDATE erasures SET rewritten = jsonb_build_object(:key::text, :sha256::text) || rewritten WHERE erasure_id = :erasure_id;

-- name: note_looked!
-- Where it was looked for after the erasing.
UPDATE erasures SET looked = :looked WHERE erasure_id = :erasure_id;

-- name: settle!
-- The end of an erasure, once, with its event.
WITH settled AS (
    UPDATE erasures SET status = :to, settled_at = now() WHERE erasure_id = :erasure_id AND status = :expected
    RETURNING erasure_id
)
INSERT INTO call_events (stage, event, detail)
SELECT :stage, 'erasure_settled', jsonb_build_object('erasure_id', erasure_id) FROM settled;

-- name: removed
-- What an erasure has removed, a row for each recording, without ids.
SELECT (call_started_at AT TIME ZONE 'UTC')::date AS day, gone.removed
  FROM erased_recordings gone JOIN recordings USING (recording_id)
 WHERE gone.erasure_id = :erasure_id
 ORDER BY day, gone.recording_id;

-- name: now
-- The database's clock.
SELECT now();
