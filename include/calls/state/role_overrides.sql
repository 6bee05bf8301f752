-- Roles of one call that a person has corrected.

-- name: of
-- What a person said of the recording's channels.
SELECT operator_channel, by, at FROM call_role_overrides WHERE recording_id = :recording_id;

-- name: keep!
-- The same again changes nothing.
INSERT INTO call_role_overrides AS known (recording_id, operator_channel, by)
VALUES (:recording_id, :operator_channel, :by)
ON CONFLICT (recording_id) DO UPDATE
   SET operator_channel = excluded.operator_channel, by = excluded.by, at = clock_timestamp()
 WHERE known.operator_channel IS DISTINCT FROM excluded.operator_channel;

-- name: of_line
-- In how many calls of a phone line people have corrected the roles.
SELECT count(*) FROM call_role_overrides fix JOIN recordings own USING (recording_id)
 WHERE own.phone_line = :phone_line AND fix.operator_channel IS NOT NULL;

-- name: outdated
-- Runs whose registry and report are older than a correction of one of their calls.
SELECT DISTINCT there.run_id
  FROM call_role_overrides fix
  JOIN recordings own USING (recording_id)
  JOIN call_exports run ON run.portal_id = own.portal_id AND own.call_started_at >= run.period_from
                       AND own.call_started_at < run.period_to + interval '1 second'
  JOIN publications there ON there.run_id = run.run_id AND there.complete AND there.written_at < fix.at
 WHERE run.status <> 'running'
 ORDER BY there.run_id;
