-- Recordings as they are now.

-- name: recording
-- One recording.
SELECT own.recording_id, own.portal_id, own.statistics_id, own.call_id, own.record_id, own.status, own.direction,
       own.from_number, own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.utc_offset_sec,
       own.duration_sec, own.audio_sec, own.phone_line, own.recording_ref, own.file_name, own.raw_path, own.checksum,
       own.transcript_id, own.transcript_path, own.summary_path, own.purchase_no, own.attempts, own.stage_attempts,
       own.deaths, own.error_code, own.missing_since, task.run_id AS holder,
       EXISTS (SELECT FROM recordings other
                WHERE other.portal_id = own.portal_id AND other.call_id = own.call_id
                  AND other.recording_id <> own.recording_id AND other.status <> 'no_recording') AS several
  FROM recordings own
  LEFT JOIN work_in_progress task USING (recording_id)
 WHERE own.recording_id = :recording_id;

-- name: of_run
-- A page of the recordings that a run reports, ordered by the row of the statistics.
SELECT own.recording_id, own.portal_id, own.statistics_id, own.call_id, own.record_id, own.status, own.direction,
       own.from_number, own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.utc_offset_sec,
       own.duration_sec, own.audio_sec, own.phone_line, own.recording_ref, own.file_name, own.raw_path, own.checksum,
       own.transcript_id, own.transcript_path, own.summary_path, own.purchase_no, own.attempts, own.stage_attempts,
       own.deaths, own.error_code, own.missing_since, task.run_id AS holder,
       EXISTS (SELECT FROM recordings other
                WHERE other.portal_id = own.portal_id AND other.call_id = own.call_id
                  AND other.recording_id <> own.recording_id AND other.status <> 'no_recording') AS several
  FROM reported_recordings own
  LEFT JOIN work_in_progress task USING (recording_id)
 WHERE own.run_id = :run_id AND own.status = ANY(:statuses) AND own.statistics_id > :after
 ORDER BY own.statistics_id
 LIMIT :most;

-- name: of_call
-- The recordings of one call that a run reports.
SELECT own.recording_id, own.portal_id, own.statistics_id, own.call_id, own.record_id, own.status, own.direction,
       own.from_number, own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.utc_offset_sec,
       own.duration_sec, own.audio_sec, own.phone_line, own.recording_ref, own.file_name, own.raw_path, own.checksum,
       own.transcript_id, own.transcript_path, own.summary_path, own.purchase_no, own.attempts, own.stage_attempts,
       own.deaths, own.error_code, own.missing_since, task.run_id AS holder,
       EXISTS (SELECT FROM recordings other
                WHERE other.portal_id = own.portal_id AND other.call_id = own.call_id
                  AND other.recording_id <> own.recording_id AND other.status <> 'no_recording') AS several
  FROM reported_recordings own
  LEFT JOIN work_in_progress task USING (recording_id)
 WHERE own.run_id = :run_id AND own.call_id = :call_id
 ORDER BY own.statistics_id;

-- name: newest_texts
-- Files of the newest texts that a run reports. If the storage has none of them, it is another storage.
SELECT transcript_path
  FROM reported_recordings
 WHERE run_id = :run_id AND transcript_id IS NOT NULL AND transcript_path IS NOT NULL
 ORDER BY text_at DESC
 LIMIT :most;

-- name: phone_lines
-- The company's numbers in all calls.
SELECT DISTINCT phone_line FROM recordings WHERE phone_line <> '';

-- name: phone_lines_of
-- The company's numbers in the calls that a run reports.
SELECT DISTINCT phone_line FROM reported_recordings WHERE run_id = :run_id;

-- name: now
-- The database's clock.
SELECT now();
