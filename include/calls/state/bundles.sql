-- Calls that people take out together: ids, for some hours.

-- name: keep!
-- A bundle, asked for now.
INSERT INTO call_bundles (bundle_id, asked_by, expires_at, contents, recording_ids)
VALUES (:bundle_id, :asked_by, clock_timestamp() + make_interval(hours => :hours), :contents, :recording_ids);

-- name: forget!
-- Bundles past their hours.
DELETE FROM call_bundles WHERE expires_at < now();

-- name: own
-- What a person may still take, the newest first.
SELECT bundle_id, asked_at, expires_at, contents, recording_ids, taken_at
  FROM call_bundles WHERE asked_by = :asked_by AND expires_at >= now()
 ORDER BY asked_at DESC LIMIT :most;

-- name: bundle
-- One of them.
SELECT bundle_id, asked_at, expires_at, contents, recording_ids, taken_at
  FROM call_bundles WHERE bundle_id = :bundle_id AND asked_by = :asked_by AND expires_at >= now();

-- name: take!
-- It was taken, the first time now.
UPDATE call_bundles SET taken_at = clock_timestamp() WHERE bundle_id = :bundle_id AND taken_at IS NULL;
