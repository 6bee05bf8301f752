-- Summaries leave the record's status alone, so their failures are counted from the history.

-- name: summary_failures
-- Failures of the batch's summaries since a person, or the task's first try, last started it afresh.
SELECT own.call_id, own.record_id, count(*)::integer AS times, bool_or((event.detail ->> 'final')::boolean) AS final
  FROM call_events event
  JOIN call_records own USING (run_id, call_id, record_id)
 WHERE event.run_id = :run_id AND own.batch_no = :batch_no AND event.stage = :stage AND event.event = 'summary_failed'
   AND event.id > coalesce((SELECT max(id) FROM call_events
                             WHERE run_id = :run_id AND stage = :stage AND event = 'started_afresh'
                               AND detail ->> 'batch_no' = :batch_no::text), 0)
 GROUP BY own.call_id, own.record_id;
