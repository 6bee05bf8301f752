-- The export's state. Columns above the line "internal" are names that people and their scripts depend on;
-- statuses and their moves are described once, in include/calls/domain/states.py.

CREATE TABLE call_exports (
    run_id            uuid PRIMARY KEY,
    dag_run_id        text NOT NULL UNIQUE,          -- the DAG run that opened it
    idempotency_key   text NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 1 AND 300),
    period_from       timestamptz NOT NULL,          -- inclusive
    period_to         timestamptz NOT NULL,          -- inclusive; the portal's times have whole seconds
    status            text NOT NULL DEFAULT 'pending'
                      CHECK (status IN ('pending', 'running', 'completed', 'error', 'cancelled')),
    actor             text NOT NULL,
    trigger           text NOT NULL,                 -- scheduled | manual | backfill | asset
    dry_run           boolean NOT NULL DEFAULT false,
    generate_summary  boolean NOT NULL DEFAULT false,
    started_at        timestamptz,
    finished_at       timestamptz,
    total_calls       integer NOT NULL DEFAULT 0,    -- rows of call_records
    completed_calls   integer NOT NULL DEFAULT 0,
    error_calls       integer NOT NULL DEFAULT 0,
    total_minutes     numeric(14, 4) NOT NULL DEFAULT 0,  -- measured audio of completed recordings, exact
    total_cost        numeric(14, 6) NOT NULL DEFAULT 0,  -- what the texts cost, whoever paid
    spent_cost        numeric(14, 6) NOT NULL DEFAULT 0,  -- what this run itself paid
    forecast_cost     numeric(14, 6),
    currency_code     text NOT NULL DEFAULT 'USD',
    metadata          jsonb NOT NULL DEFAULT '{}',
    CHECK (period_from <= period_to)
);

CREATE TABLE call_records (
    run_id             uuid NOT NULL REFERENCES call_exports (run_id),
    call_id            text NOT NULL,
    record_id          text NOT NULL,
    statistics_id      bigint NOT NULL,
    status             text NOT NULL CHECK (status IN ('pending', 'downloading', 'downloaded', 'transcribing',
                                                       'completed', 'error', 'missing_audio', 'no_recording')),
    direction          text NOT NULL CHECK (direction IN ('inbound', 'outbound', 'callback', 'info')),
    from_number        text NOT NULL,
    to_number          text NOT NULL,
    employee_id        text,
    employee_name      text,
    call_started_at    timestamptz NOT NULL,
    duration_sec       integer NOT NULL,             -- the portal's
    audio_sec          numeric(12, 3),               -- measured
    recording_url      text,                         -- without token, query or credentials
    raw_path           text,                         -- keys relative to the storage root
    checksum           text,                         -- sha256 of the audio, hex
    transcript_path    text,
    summary_path       text,
    tags               text[] NOT NULL DEFAULT '{}',
    language           text,                         -- ISO 639-1
    roles              text CHECK (roles IN ('channels', 'diarized', 'none')),
    source             text CHECK (source IN ('recogniser', 'portal')),
    model              text,
    cost               numeric(12, 6),               -- what this text cost when it was bought
    currency_code      text NOT NULL DEFAULT 'USD',
    attempts           integer NOT NULL DEFAULT 0,
    error_code         text,
    error_message      text,
    needs_review       boolean NOT NULL DEFAULT false,
    review_reasons     text[] NOT NULL DEFAULT '{}',
    reused_from_run_id uuid REFERENCES call_exports (run_id),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    -- internal
    retry_count        integer NOT NULL DEFAULT 0,   -- times a person sent it back by the runbook's UPDATE
    portal_number      text NOT NULL DEFAULT '',     -- the line, for its channel map
    portal_offset_sec  integer NOT NULL DEFAULT 0,   -- the portal's UTC offset in call_started_at
    failed_code        text NOT NULL DEFAULT '',     -- how the call ended: a CallOutcome
    file_id            bigint,                       -- the name by which the portal gives a link
    text_preview       text,                         -- first 1,024 UTF-8 bytes of the text
    batch_no           integer,
    first_failed_at    timestamptz,
    stage_attempts     integer NOT NULL DEFAULT 0,   -- failures since the recording last moved a stage on
    PRIMARY KEY (run_id, call_id, record_id)
);
-- one row of the portal's statistics is one record of a run, whatever name its recording has by now (D3, D10)
CREATE UNIQUE INDEX call_records_by_row ON call_records (run_id, statistics_id);
CREATE INDEX call_records_by_batch ON call_records (run_id, batch_no, call_started_at, statistics_id);
-- "was this recording ever transcribed?" (D3): a call's few texts, then compared by name, statistics row and bytes
CREATE INDEX call_records_of_call ON call_records (call_id);

CREATE TABLE call_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id      uuid,
    call_id     text,
    record_id   text,
    stage       text NOT NULL,      -- open_run, preflight, list_calls, plan, download, transcribe, summarize, publish, close_run
    event       text NOT NULL,      -- for a move of state: the state entered
    duration_ms integer,
    error_code  text,
    detail      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX call_events_by_run ON call_events (run_id, id);
CREATE INDEX call_events_portal_refusals ON call_events (at) WHERE event = 'portal_refused';
CREATE FUNCTION call_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'call_events is append-only';
END $$;
CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
    FOR EACH ROW EXECUTE FUNCTION call_events_append_only();

CREATE TABLE call_export_dlq (
    run_id          uuid NOT NULL REFERENCES call_exports (run_id),
    call_id         text NOT NULL,
    record_id       text NOT NULL,
    stage           text NOT NULL,
    error_code      text,
    error_message   text,
    first_failed_at timestamptz NOT NULL,
    moved_at        timestamptz NOT NULL DEFAULT now(),
    replayed_at     timestamptz,
    PRIMARY KEY (run_id, call_id, record_id)
);

-- One row per portal paces all workers and runs together (D12).
CREATE TABLE portal_pace (
    portal         text PRIMARY KEY,                 -- host name
    next_permit_at timestamptz NOT NULL,             -- when the next request may be sent
    blocked_until  timestamptz,                      -- set by the portal's refusals (D13)
    low_rate_until timestamptz
);

-- Answers already paid for, kept until their transcript is stored: a task that dies between two pieces of a
-- recording buys nothing twice (D19).
CREATE TABLE recognition_answers (
    checksum    text NOT NULL,                       -- sha256 of the whole recording
    piece       text NOT NULL,                       -- channel, times and recognition options of the piece
    model       text NOT NULL,
    answer      jsonb NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checksum, piece, model)
);
