-- A run that is being listed is in no statistics. With a list of the most common runs PostgreSQL takes the new one for a
-- single row, and then any index that begins with run_id is as good as the one that finds the row: the whole run was
-- read again for each of its calls. Without such a list it expects a two-hundredth of the table for every run.
-- Its own type once more: that drops the list which is there already (no row is written anew).
DROP VIEW call_dead_letters;
ALTER TABLE call_records ALTER COLUMN run_id TYPE uuid, ALTER COLUMN run_id SET STATISTICS 0;
ALTER TABLE call_events ALTER COLUMN run_id TYPE uuid, ALTER COLUMN run_id SET STATISTICS 0;
CREATE VIEW call_dead_letters AS
SELECT own.run_id, own.call_id, own.record_id, dlq.run_id AS letter_run_id, dlq.record_id AS letter_record_id, dlq.stage,
       dlq.error_code, dlq.error_message, dlq.first_failed_at, dlq.moved_at, dlq.replayed_at
  FROM call_export_dlq dlq
  LEFT JOIN call_records failed USING (run_id, call_id, record_id)
  JOIN call_records own
    ON own.call_id = dlq.call_id AND (own.record_id = dlq.record_id OR own.statistics_id = failed.statistics_id);
