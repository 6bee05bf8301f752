-- What analysts find in the texts they listen to. The last word counts, every verdict is an event; what they wrote
-- about a person's call stays out of the history, which nobody can delete from.

-- name: record_check(run_id, call_id, record_id, result, comment, checked_by)
-- Said twice it is said once: the same result and comment change nothing and leave the first one's name.
WITH listened AS (
    SELECT run_id, call_id, record_id FROM call_records
     WHERE run_id = :run_id AND call_id = :call_id AND record_id = :record_id AND status = 'completed'
), checked AS (
    INSERT INTO call_qa_checks AS known (run_id, call_id, record_id, result, comment, checked_by)
    SELECT run_id, call_id, record_id, :result, :comment, :checked_by FROM listened
    ON CONFLICT (run_id, call_id, record_id) DO UPDATE
       SET result = excluded.result, comment = excluded.comment, checked_by = excluded.checked_by, checked_at = now()
     WHERE (known.result, known.comment) IS DISTINCT FROM (excluded.result, excluded.comment)
    RETURNING run_id, call_id, record_id, result, checked_by
), told AS (
    INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
    SELECT run_id, call_id, record_id, 'qa', 'qa_checked',
           jsonb_build_object('result', result, 'by', checked_by)
      FROM checked
)
SELECT (SELECT count(*) FROM listened) = 1 AS there, (SELECT count(*) FROM checked) = 1 AS changed;

-- name: recordings_of_call(run_id, call_id)
SELECT record_id FROM call_records
 WHERE run_id = :run_id AND call_id = :call_id AND status = 'completed'
 ORDER BY record_id;

-- name: last_dag_run(run_id)
-- The DAG run that worked on the run last: who resumed it, else who opened it.
SELECT coalesce((SELECT detail ->> 'resumed_by' FROM call_events
                  WHERE call_events.run_id = call_exports.run_id AND detail ? 'resumed_by'
                  ORDER BY id DESC LIMIT 1), dag_run_id)
  FROM call_exports
 WHERE run_id = :run_id;
