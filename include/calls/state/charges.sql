-- The ledger, in USD. What a run spent, what a text cost and what is left of a budget are sums over it.

-- name: charge!
-- One payment. A row holds what one run paid for one purpose of one purchase with one model; it grows with each request.
INSERT INTO charges AS paid (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
SELECT :run_id, own.recording_id, own.purchase_no, :purpose, :model, :unit, :quantity, :usd, :confirmed
  FROM recordings own WHERE own.recording_id = :recording_id
ON CONFLICT (recording_id, purchase_no, purpose, model, run_id) DO UPDATE
   SET quantity = paid.quantity + excluded.quantity, usd = paid.usd + excluded.usd, requests = paid.requests + 1,
       confirmed = paid.confirmed AND excluded.confirmed;

-- name: round_up!
-- A text costs its minutes rounded up once: the difference to its pieces, whichever runs paid for them. Nothing if the
-- pieces cost as much already.
INSERT INTO charges (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)
SELECT :run_id, own.recording_id, own.purchase_no, 'rounding', :model, 'minute',
       greatest(0, :minutes::numeric - pieces.seconds / 60), :price::numeric - pieces.usd, false
  FROM recordings own
 CROSS JOIN LATERAL (SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(quantity) FILTER (WHERE unit = 'second'), 0) AS seconds
                       FROM charges WHERE recording_id = own.recording_id AND purchase_no = own.purchase_no
                        AND purpose IN ('recognition', 'fallback', 'rounding')) pieces
 WHERE own.recording_id = :recording_id AND :price::numeric > pieces.usd
ON CONFLICT DO NOTHING;

-- name: others_heard
-- Whether the run has paid for another recording since the recogniser failed on this one.
SELECT EXISTS (SELECT 1 FROM charges paid
                WHERE paid.run_id = :run_id AND paid.recording_id <> :recording_id AND paid.purpose = 'recognition'
                  AND paid.at > (SELECT max(at) FROM call_events failure
                                  WHERE failure.recording_id = :recording_id AND failure.error_code = :error_code));

-- name: spending
-- The money of a run, in a time that does not grow with it: what is paid, what the recordings at work are still going to cost by their minutes, and the sum
-- that a person approved.
SELECT coalesce((SELECT usd FROM run_spending WHERE run_id = :run_id), 0) AS spent,
       (SELECT coalesce(sum(greatest(0, greatest(1, ceil(coalesce(own.audio_sec, own.duration_sec) / 60.0)) * :rate_per_minute::numeric
                   - (SELECT coalesce(sum(usd), 0) FROM charges paid
                       WHERE paid.recording_id = own.recording_id AND paid.purchase_no = own.purchase_no
                         AND paid.purpose IN ('recognition', 'fallback')))), 0)
          FROM work_in_progress task JOIN recordings own USING (recording_id)
         WHERE task.run_id = :run_id AND own.status = 'transcribing') AS in_progress,
       (SELECT approved_cost FROM call_exports WHERE run_id = :run_id) AS approved;
