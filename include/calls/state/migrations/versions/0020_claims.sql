-- A claim is a row with a lease instead of a lock of a database session (ADR 0038).

-- Which task may work on a call's recordings now: a few rows.
CREATE TABLE call_claims (
    portal_id smallint NOT NULL,
    call_id   text NOT NULL,
    owner     uuid NOT NULL,                         -- new for each claim
    until     timestamptz NOT NULL,                  -- renewed while its task lives; then anybody may take it
    PRIMARY KEY (portal_id, call_id)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- The claim under which a recording was taken to work: a task that was believed dead moves nothing of its successor's.
ALTER TABLE work_in_progress ADD COLUMN owner uuid;
