-- Erasure on a person's demand (ADR 0026). No row here holds a number, a name, a call id or a text: only keyed hashes and
-- masked forms.

CREATE TABLE erasures (
    erasure_id   uuid PRIMARY KEY,
    dag_run_id   text UNIQUE,                        -- the DAG run that registered it; NULL: brought by make erase-again
    kind         text NOT NULL CHECK (kind IN ('call', 'number')),
    subject_hash text NOT NULL,                      -- keyed
    key_name     text NOT NULL,                      -- of the key of every hash of this erasure
    masked       text NOT NULL,
    reason       text NOT NULL,
    asked_by     text NOT NULL,                      -- at whose demand, in the words of the person who started it
    triggered_by text NOT NULL,                      -- Airflow's user, who may not approve
    demanded_at  timestamptz NOT NULL,
    status       text NOT NULL DEFAULT 'asked' CHECK (status IN ('asked', 'refused', 'approved', 'settled')),
    decided_by   text,
    decided_at   timestamptz,
    settled_at   timestamptz,
    rewritten    jsonb NOT NULL DEFAULT '{}',        -- sha256 of registries, reports and logs before they were written again
    looked       jsonb,                              -- where it was looked for after the files were gone, and what was left
    traces_at    timestamptz                         -- when Airflow forgot the DAG run whose parameters name the person
);

-- Calls and numbers that do not come back. `covers_until`: calls of the number that began until then; NULL for a call.
CREATE TABLE erasure_tombstones (
    hash         text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('call', 'number')),
    key_name     text NOT NULL,
    covers_until timestamptz,
    erasure_id   uuid NOT NULL REFERENCES erasures (erasure_id),
    made_at      timestamptz NOT NULL DEFAULT now()
);

-- What an erasure has marked. `removed` are hashes of what was there before, by kind, for the proof.
CREATE TABLE erased_recordings (
    recording_id bigint PRIMARY KEY REFERENCES recordings (recording_id),
    erasure_id   uuid NOT NULL REFERENCES erasures (erasure_id),
    removed      jsonb NOT NULL DEFAULT '{}',
    marked_at    timestamptz NOT NULL DEFAULT now(),
    blanked_at   timestamptz                         -- NULL: its ids and numbers are still needed to find files
);
CREATE INDEX erased_recordings_by_erasure ON erased_recordings (erasure_id, recording_id);

ALTER TABLE recordings DROP CONSTRAINT recordings_status_check;
ALTER TABLE recordings ADD CONSTRAINT recordings_status_check
      CHECK (status IN ('pending', 'downloading', 'downloaded', 'transcribing', 'completed', 'error', 'missing_audio',
                        'no_recording', 'erased'));
-- What has ended by its age can still be erased.
ALTER TABLE recordings DROP CONSTRAINT recordings_text_ended;
ALTER TABLE recordings ADD CONSTRAINT recordings_text_ended CHECK (
      text_ended_at IS NULL OR transcript_path IS NULL AND summary_path IS NULL
                               AND status IN ('completed', 'missing_audio', 'no_recording', 'erased'));

-- The one change that the history allows: an erasure takes out what names a person. What happened, and when, stays.
CREATE OR REPLACE FUNCTION call_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('call_export.erasing', true) = 'on'
       AND (NEW.id, NEW.at, NEW.run_id, NEW.stage, NEW.event, NEW.duration_ms, NEW.error_code, NEW.recording_id)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.at, OLD.run_id, OLD.stage, OLD.event, OLD.duration_ms, OLD.error_code, OLD.recording_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'call_events is append-only';
END $$;
