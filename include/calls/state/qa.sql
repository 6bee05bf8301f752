-- Verdicts of analysts. A verdict is about a recording, whichever run's sample contained it. The last verdict counts and
-- each one is an event. The comment is only in the table, because it may quote the call and events are never deleted.

-- name: record_check
-- The same result and comment again change nothing and keep the first analyst's name.
WITH listened AS (
    SELECT recording_id, call_id, record_id, transcript_id FROM reported_recordings
     WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = 'completed'
), checked AS (
    INSERT INTO call_qa_checks AS known (recording_id, transcript_id, run_id, result, comment, checked_by)
    SELECT recording_id, transcript_id, :run_id::uuid, :result, :comment, :checked_by FROM listened
    ON CONFLICT (recording_id) DO UPDATE
       SET result = excluded.result, comment = excluded.comment, checked_by = excluded.checked_by, checked_at = now(),
           transcript_id = excluded.transcript_id, run_id = excluded.run_id
     WHERE (known.result, known.comment) IS DISTINCT FROM (excluded.result, excluded.comment)
    RETURNING recording_id, result, checked_by
), told AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
    SELECT :run_id::uuid, call_id, record_id, recording_id, :stage, 'qa_checked',
           jsonb_build_object('result', result, 'by', checked_by)
      FROM checked JOIN listened USING (recording_id)
)
SELECT (SELECT count(*) FROM listened) = 1 AS there, (SELECT count(*) FROM checked) = 1 AS changed;

-- name: recordings_of_call
-- The recordings of a call that have a text.
SELECT record_id FROM reported_recordings
 WHERE run_id = :run_id AND call_id = :call_id AND status = 'completed'
 ORDER BY record_id;
