-- What a run has spent, what it may spend and who said so (D26). USD.

-- name: spending
-- A recording in work counts as what its minutes cost; the pieces of it that are paid already are in `spent`. Money
-- spent on a text that a person then sent back, or on one that never came, is spent all the same.
SELECT coalesce(sum(record.spent), 0) AS spent,
       coalesce(sum(greatest(0, greatest(1, ceil(coalesce(record.audio_sec, record.duration_sec) / 60.0))
                                    * :rate_per_minute::numeric - record.spent_unfinished))
                    FILTER (WHERE record.status = 'transcribing'), 0) AS in_hand,
       export.approved_cost AS approved
  FROM call_exports export LEFT JOIN call_records record USING (run_id)
 WHERE export.run_id = :run_id
 GROUP BY export.run_id;

-- name: approve!
-- An answer that comes twice is one event; what was allowed before is never taken back.
WITH approved AS (
    UPDATE call_exports SET approved_cost = :cost
     WHERE run_id = :run_id AND coalesce(approved_cost, 0) < :cost::numeric
    RETURNING run_id
)
INSERT INTO call_events (run_id, stage, event, detail)
SELECT run_id, :stage, 'approved', :detail FROM approved;

-- name: summaries_wanted
-- Texts without a summary, and recordings that are going to have a text.
SELECT count(*)::integer, coalesce(sum(greatest(1, ceil(coalesce(audio_sec, duration_sec) / 60.0))), 0)::integer
  FROM call_records
 WHERE run_id = :run_id AND (status = ANY(:unfinished) OR status = 'completed' AND summary_path IS NULL);
