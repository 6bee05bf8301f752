-- The work of a run: the rows of run_work and their batches.

-- name: batch
-- The batch's recordings in some statuses, ordered by the row of the statistics. `holder` is the run that works on one
-- now. `several`: its call has another recording, so its files need the record's name.
SELECT own.recording_id, own.portal_id, own.statistics_id, own.call_id, own.record_id, own.status, own.direction,
       own.from_number, own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.utc_offset_sec,
       own.duration_sec, own.audio_sec, own.phone_line, own.recording_ref, own.file_name, own.raw_path, own.checksum,
       own.transcript_id, own.transcript_path, own.summary_path, own.purchase_no, own.attempts, own.stage_attempts,
       own.deaths, own.error_code, own.missing_since, task.run_id AS holder,
       EXISTS (SELECT FROM recordings other
                WHERE other.portal_id = own.portal_id AND other.call_id = own.call_id
                  AND other.recording_id <> own.recording_id AND other.status <> 'no_recording') AS several
  FROM run_work work
  JOIN recordings own USING (recording_id)
  LEFT JOIN work_in_progress task USING (recording_id)
 WHERE work.run_id = :run_id AND work.batch_no = :batch_no AND own.status = ANY(:statuses)
 ORDER BY own.statistics_id;

-- name: unplanned
-- The run's work without a batch, with its minutes, in the order of the calls; not what has ended since it was taken up.
SELECT own.recording_id, own.call_id, own.duration_sec / 60.0 AS minutes
  FROM run_work work JOIN recordings own USING (recording_id)
 WHERE work.run_id = :run_id AND work.batch_no IS NULL
   AND (own.status = ANY(:unfinished) OR :summaries::boolean AND own.status = ANY(:with_text) AND own.summary_path IS NULL)
   AND own.text_ended_at IS NULL
 ORDER BY own.call_started_at, own.statistics_id;

-- name: draw_batches
-- The first of the numbers for new batches. A number is given out once, so a task never finds another task's work under
-- its own number.
UPDATE call_exports SET last_batch = last_batch + :batches WHERE run_id = :run_id RETURNING last_batch - :batches + 1;

-- name: assign_batches!
-- A recording that has a batch keeps it.
UPDATE run_work work SET batch_no = plan.batch_no
  FROM unnest(:recording_ids::bigint[], :numbers::integer[]) AS plan (recording_id, batch_no)
 WHERE work.run_id = :run_id AND work.recording_id = plan.recording_id AND work.batch_no IS NULL;

-- name: forget_batches!
-- Unfinished work of the run is planned anew (resume).
UPDATE run_work work SET batch_no = NULL
  FROM recordings own
 WHERE work.run_id = :run_id AND own.recording_id = work.recording_id AND own.status = ANY(:unfinished)
   AND work.batch_no IS NOT NULL;

-- name: unfinished_batches
-- Batches with something left to do.
SELECT DISTINCT work.batch_no
  FROM run_work work JOIN recordings own USING (recording_id)
 WHERE work.run_id = :run_id AND work.batch_no IS NOT NULL
   AND (own.status = ANY(:unfinished) OR :summaries::boolean AND own.status = ANY(:with_text) AND own.summary_path IS NULL)
   AND own.text_ended_at IS NULL
 ORDER BY 1;

-- name: batch_facts
-- For the task's label.
SELECT count(*) AS records, coalesce(sum(own.duration_sec), 0) / 60.0 AS minutes
  FROM run_work work JOIN recordings own USING (recording_id)
 WHERE work.run_id = :run_id AND work.batch_no = :batch_no;

-- name: to_buy
-- What a run that starts now would buy: the same rows as `take_up`, nothing is moved. A recording of unknown length is
-- billed a minute.
SELECT count(*)::integer AS recordings,
       coalesce(sum(greatest(1, ceil(coalesce(own.audio_sec, own.duration_sec) / 60.0))), 0)::integer AS minutes,
       (count(*) FILTER (WHERE own.raw_path IS NULL))::integer AS downloads,
       round(coalesce(sum(own.duration_sec), 0) / 60.0, 2) AS portal_minutes
  FROM reported_recordings own
 WHERE own.run_id = :run_id
   AND (own.gone_at IS NULL OR own.raw_path IS NOT NULL) AND own.text_ended_at IS NULL
   AND (own.status = ANY(:unfinished) OR own.status = ANY(:failed)
        OR own.status = ANY(:missing) AND own.look_again_on <= :tonight::date)
   AND NOT EXISTS (SELECT FROM dead_letters letter
                    WHERE letter.recording_id = own.recording_id AND letter.replayed_at IS NULL);

-- name: summaries_wanted
-- Texts of the run's period without a summary, recordings that are going to have a text, and their minutes.
SELECT count(*)::integer, coalesce(sum(greatest(1, ceil(coalesce(own.audio_sec, own.duration_sec) / 60.0))), 0)::integer
  FROM reported_recordings own
 WHERE own.run_id = :run_id
   AND (own.status = ANY(:unfinished) OR own.status = ANY(:with_text) AND own.summary_path IS NULL)
   AND own.text_ended_at IS NULL;

-- name: in_progress
-- The tasks that work on these recordings now: for people, and for the message of a task that waits.
SELECT recording_id, run_id, stage, process, since FROM work_in_progress WHERE recording_id = ANY(:recording_ids);
