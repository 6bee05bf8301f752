-- A dead letter is about a recording, not about the run that gave up on it: later runs find it by the call, then by
-- the recording's name or its row of the statistics, as texts are found (D3).
CREATE VIEW call_dead_letters AS
SELECT own.run_id, own.call_id, own.record_id, dlq.run_id AS letter_run_id, dlq.record_id AS letter_record_id, dlq.stage,
       dlq.error_code, dlq.error_message, dlq.first_failed_at, dlq.moved_at, dlq.replayed_at
  FROM call_export_dlq dlq
  LEFT JOIN call_records failed USING (run_id, call_id, record_id)
  JOIN call_records own
    ON own.call_id = dlq.call_id AND (own.record_id = dlq.record_id OR own.statistics_id = failed.statistics_id);

-- "since when has this recording been failing?" (D18), asked for a run's few failures over all runs
CREATE INDEX call_records_failing ON call_records (call_id) WHERE first_failed_at IS NOT NULL;
