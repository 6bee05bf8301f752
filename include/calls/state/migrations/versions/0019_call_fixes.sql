-- The call browser's second half: whose channel is whose where a person says so, bundles to take out, coverage of runs.

-- Recordings that exist, of the run's calls: what its coverage is a share of. As the other sums, written by `sum_up`.
ALTER TABLE call_exports ADD COLUMN existing_calls integer NOT NULL DEFAULT 0;
UPDATE call_exports run SET existing_calls = own.existing
  FROM (SELECT run_id, count(*) AS existing FROM reported_recordings
         WHERE status NOT IN ('no_recording', 'missing_audio', 'erased') GROUP BY run_id) own
 WHERE own.run_id = run.run_id;

-- The channel of the operator in one call, where a person has corrected it; NULL: as the policy says again. The recording
-- is the one that the text was bought for.
CREATE TABLE call_role_overrides (
    recording_id     bigint PRIMARY KEY REFERENCES recordings (recording_id),
    operator_channel text CHECK (operator_channel IN ('left', 'right')),
    by               text NOT NULL,
    at               timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX call_role_overrides_by_time ON call_role_overrides (at);

-- Calls that a person wants to take out: their ids alone. The files are put together while they are taken, so a call that
-- was erased or hidden meanwhile is in none.
CREATE TABLE call_bundles (
    bundle_id     text PRIMARY KEY,
    asked_by      text NOT NULL,
    asked_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz NOT NULL,
    contents      text[] NOT NULL,                   -- text, audio, registry
    recording_ids bigint[] NOT NULL,
    taken_at      timestamptz
);
CREATE INDEX call_bundles_of_person ON call_bundles (asked_by, asked_at DESC);

-- How often a person did something lately.
CREATE INDEX audit_log_by_actor ON audit_log (actor, at);
