-- The schema of the call export.
--
-- Customers and their scripts use four names: call_exports, call_records, call_events and call_export_dlq, with the
-- columns described in docs/specs. Everything else is internal and may change. Statuses and allowed moves are defined
-- in include/calls/domain/states.py.

-- ---------------------------------------------------------------- telephony systems ("portals")

CREATE TABLE portals (
    portal_id     smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host          text NOT NULL UNIQUE,              -- host[:port] under which the portal was first seen
    first_seen_at timestamptz NOT NULL DEFAULT now()
);

-- All addresses of a portal lead to the same portal, so a renamed portal keeps its recordings.
CREATE TABLE portal_hosts (
    host      text PRIMARY KEY,                      -- host[:port] from the settings
    portal_id smallint NOT NULL REFERENCES portals (portal_id),
    since     timestamptz NOT NULL DEFAULT now()
);

-- One row per address holds the request rate that all workers and runs share.
CREATE TABLE portal_pace (
    portal         text PRIMARY KEY,                 -- host[:port]
    next_permit_at timestamptz NOT NULL,             -- when the next request may be sent
    blocked_until  timestamptz,                      -- set when the portal refuses requests
    low_rate_until timestamptz
);

-- ---------------------------------------------------------------- runs

CREATE TABLE call_exports (
    run_id             uuid PRIMARY KEY,
    dag_run_id         text NOT NULL UNIQUE,         -- the DAG run that opened the run
    idempotency_key    text NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 1 AND 300),
    period_from        timestamptz NOT NULL,         -- inclusive
    period_to          timestamptz NOT NULL,         -- inclusive; call times have whole seconds
    status             text NOT NULL DEFAULT 'pending'
                       CHECK (status IN ('pending', 'running', 'completed', 'error', 'cancelled')),
    actor              text NOT NULL,
    trigger            text NOT NULL,                -- scheduled | manual | backfill | asset
    dry_run            boolean NOT NULL DEFAULT false,
    generate_summary   boolean NOT NULL DEFAULT false,
    started_at         timestamptz,
    finished_at        timestamptz,
    total_calls        integer NOT NULL DEFAULT 0,   -- rows of call_records at the last summing up
    completed_calls    integer NOT NULL DEFAULT 0,
    error_calls        integer NOT NULL DEFAULT 0,
    total_minutes      numeric(14, 4) NOT NULL DEFAULT 0,  -- measured audio of completed recordings
    total_cost         numeric(14, 6) NOT NULL DEFAULT 0,  -- cost of the texts, whichever run paid; copied from charges
    spent_cost         numeric(14, 6) NOT NULL DEFAULT 0,  -- payments of this run; copied from charges
    forecast_cost      numeric(14, 6),
    currency_code      text NOT NULL DEFAULT 'USD',
    metadata           jsonb NOT NULL DEFAULT '{}',
    -- internal
    due_at             timestamptz NOT NULL,         -- the run's own time (run_after in Airflow); its date is "tonight"
    portal_id          smallint REFERENCES portals (portal_id),  -- NULL until the run has listed the calls
    last_statistics_id bigint,                       -- last row that a trial (limit_calls) listed; NULL: whole period
    last_batch         integer NOT NULL DEFAULT 0,   -- highest batch number given out; a number is never reused
    approved_cost      numeric(14, 6),               -- USD that a person approved; NULL: the budget of the settings
    deliver_texts      boolean NOT NULL DEFAULT false,  -- copy texts and summaries into the period's folder
    deliver_audio      boolean NOT NULL DEFAULT false,  -- and the audio
    verdict            text,                         -- the sentence with which the run was last closed
    failed_step        text,                         -- the task whose failure decided that end; NULL: none
    CHECK (period_from <= period_to)
);
CREATE INDEX call_exports_by_end ON call_exports (finished_at) WHERE finished_at IS NOT NULL;

-- ---------------------------------------------------------------- recordings: one row per recording, kept for good

CREATE TABLE recordings (
    recording_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal_id       smallint NOT NULL REFERENCES portals (portal_id),
    statistics_id   bigint NOT NULL,                 -- the row of the portal's call statistics
    call_id         text NOT NULL,
    record_id       text NOT NULL,                   -- names the recording within the call; follows renames by the portal
    status          text NOT NULL CHECK (status IN ('pending', 'downloading', 'downloaded', 'transcribing',
                                                    'completed', 'error', 'missing_audio', 'no_recording')),
    -- facts of the telephony system
    direction       text NOT NULL CHECK (direction IN ('inbound', 'outbound', 'callback', 'info', 'unknown')),
    from_number     text NOT NULL,
    to_number       text NOT NULL,
    employee_id     text,
    employee_name   text,
    call_started_at timestamptz NOT NULL,
    utc_offset_sec  integer NOT NULL DEFAULT 0,      -- the system's UTC offset in call_started_at
    duration_sec    integer NOT NULL,                -- as the system reports it
    recording_url   text,                            -- without token, query or credentials
    phone_line      text NOT NULL DEFAULT '',        -- the company's number, for the channel map
    outcome         text NOT NULL DEFAULT 'not_stated',  -- a CallOutcome of include/common/telephony.py
    outcome_code    text NOT NULL DEFAULT '',        -- the system's own code, shown and never interpreted
    recording_ref   text,                            -- the name by which a link to the recording is requested
    listed_at       timestamptz NOT NULL DEFAULT now(),  -- when the recording was first listed
    gone_at         timestamptz,                     -- since when the statistics do not list it; NULL: listed
    -- audio
    file_name       text,                            -- of all its files, without folder and extension; set once
    raw_path        text,                            -- storage keys are relative to the storage's root
    checksum        text,                            -- sha256 of the audio, hex
    audio_sec       numeric(12, 3),                  -- measured
    -- text
    transcript_id   bigint,                          -- current text; a waiting recording that has one was sent back
    transcript_path text,                            -- file of the current text
    summary_path    text,
    tags            text[] NOT NULL DEFAULT '{}',
    needs_review    boolean NOT NULL DEFAULT false,
    review_reasons  text[] NOT NULL DEFAULT '{}',
    text_at         timestamptz,                     -- last change of text or summary; older delivered copies are stale
    purchase_no     smallint NOT NULL DEFAULT 1,     -- number of the text that is being bought or was bought last
    -- failures
    attempts        integer NOT NULL DEFAULT 0,      -- failures that counted, in all runs
    stage_attempts  integer NOT NULL DEFAULT 0,      -- failures since the last stage ended or a run took it up
    deaths          integer NOT NULL DEFAULT 0,      -- tasks that died on it since the last stage ended or a person took it up
    error_code      text,
    error_message   text,
    first_failed_at timestamptz,                     -- first failure of the stage that fails now
    missing_since   date,                            -- the night (UTC) on which the audio was first missing
    look_again_on   date,                            -- the night of the next attempt; NULL: only a person retries
    retry_count     integer NOT NULL DEFAULT 0,      -- times a person sent it back
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (portal_id, call_id, record_id),
    UNIQUE (portal_id, statistics_id)                -- one row of the call statistics is one recording
) WITH (fillfactor = 85, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);
-- Recordings of a period, in the order of the registry. No index contains the status, so a change of status stays on
-- its page (a HOT update).
CREATE INDEX recordings_by_start ON recordings (portal_id, call_started_at, statistics_id);
CREATE UNIQUE INDEX recordings_by_file ON recordings (file_name) WHERE file_name IS NOT NULL;
CREATE INDEX recordings_failing ON recordings (recording_id) WHERE first_failed_at IS NOT NULL;

CREATE TABLE transcripts (
    transcript_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recording_id     bigint NOT NULL REFERENCES recordings (recording_id),
    sha256           text NOT NULL,                  -- of the body, hex
    body             text NOT NULL,                  -- the speaker turns, as in the file below its ---
    preview          text NOT NULL,                  -- first 1,024 UTF-8 bytes of the spoken words
    language         text,                           -- ISO 639-1
    roles            text NOT NULL CHECK (roles IN ('channels', 'diarized', 'none')),
    source           text NOT NULL CHECK (source IN ('recogniser', 'portal')),
    model            text NOT NULL,                  -- two joined by + if the fallback model was used too
    words_per_minute numeric(8, 1),                  -- of speech, for the review flags
    confidence       numeric(5, 4) CHECK (confidence BETWEEN 0 AND 1),  -- the recogniser's own; NULL if it gives none
    purchase_no      smallint NOT NULL,              -- the purchase of the recording that paid for this text
    run_id           uuid NOT NULL REFERENCES call_exports (run_id),  -- the run that bought it or took the portal's
    created_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (recording_id, sha256)
);
ALTER TABLE recordings ADD FOREIGN KEY (transcript_id) REFERENCES transcripts (transcript_id);

-- ---------------------------------------------------------------- the work of a run

CREATE TABLE run_work (
    run_id       uuid NOT NULL REFERENCES call_exports (run_id),
    recording_id bigint NOT NULL REFERENCES recordings (recording_id),
    batch_no     integer,                            -- NULL: not planned yet
    PRIMARY KEY (run_id, recording_id)
);
CREATE INDEX run_work_by_batch ON run_work (run_id, batch_no);
-- A run that is being planned is in no statistics. Without a list of the most common runs PostgreSQL estimates its
-- rows by the average run and not as one row.
ALTER TABLE run_work ALTER COLUMN run_id SET STATISTICS 0;

-- Recordings that tasks work on at this moment: a few rows. The primary key allows one owner per recording.
CREATE TABLE work_in_progress (
    recording_id bigint PRIMARY KEY REFERENCES recordings (recording_id),
    run_id       uuid NOT NULL REFERENCES call_exports (run_id),
    stage        text NOT NULL,                      -- download | transcribe
    process      text NOT NULL,                      -- host and process number, for people
    since        timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX work_in_progress_by_run ON work_in_progress (run_id);

-- ---------------------------------------------------------------- money: one ledger

CREATE TABLE charges (
    charge_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(), -- of the first request
    run_id       uuid REFERENCES call_exports (run_id),  -- the run that paid; NULL: no run of this export
    recording_id bigint NOT NULL REFERENCES recordings (recording_id),
    purchase_no  smallint NOT NULL,                  -- the purchase of the recording that the payment belongs to
    purpose      text NOT NULL,                      -- recognition | fallback | rounding | summary | later others
    model        text NOT NULL,
    unit         text NOT NULL,                      -- second | minute | token
    quantity     numeric(14, 3) NOT NULL,
    usd          numeric(14, 6) NOT NULL CHECK (usd >= 0),
    requests     integer NOT NULL DEFAULT 1,
    confirmed    boolean NOT NULL,                   -- the service itself reported the quantity
    UNIQUE NULLS NOT DISTINCT (recording_id, purchase_no, purpose, model, run_id)
);
-- rounding: a text is billed in whole minutes, its pieces are charged by the second; the row holds the difference.
CREATE INDEX charges_by_run ON charges (run_id) INCLUDE (purpose, usd);

-- Paid responses, kept until their transcript is stored: a task that dies between two pieces of a recording buys no
-- piece twice.
CREATE TABLE recognition_responses (
    checksum    text NOT NULL,                       -- sha256 of the whole recording; of a text's body for its summary
    piece       text NOT NULL,                       -- channel, times and recognition options of the piece
    model       text NOT NULL,
    response    jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checksum, piece, model)
);
CREATE INDEX recognition_responses_by_age ON recognition_responses (received_at);

-- ---------------------------------------------------------------- history, partitioned by month

CREATE TABLE call_events (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id       uuid,
    call_id      text,
    record_id    text,
    stage        text NOT NULL,                      -- a Stage of include/calls/domain/stages.py
    event        text NOT NULL,                      -- for a move: the status entered
    duration_ms  integer,
    error_code   text,
    detail       jsonb NOT NULL DEFAULT '{}',
    recording_id bigint,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX call_events_by_run ON call_events (run_id, id);
CREATE INDEX call_events_by_recording ON call_events (recording_id, id) WHERE recording_id IS NOT NULL;
-- Events about runs and the portal, not about single recordings: few rows, read at each scrape of the metrics.
CREATE INDEX call_events_of_runs ON call_events (event, run_id, id) WHERE call_id IS NULL;
CREATE INDEX call_events_portal_refusals ON call_events (at) WHERE event IN ('portal_refused', 'low_rate_on');
ALTER TABLE call_events ALTER COLUMN run_id SET STATISTICS 0;
CREATE FUNCTION call_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'call_events is append-only';
END $$;
CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
    FOR EACH ROW EXECUTE FUNCTION call_events_append_only();

-- Creates the missing partitions (UTC months) from the month of `first` to `months` later; returns how many it created.
-- The migration calls it, and each run when it opens.
CREATE FUNCTION call_events_months(first date, months integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month date;
    name text;
    made integer := 0;
BEGIN
    FOR ahead IN 0..months LOOP
        month := date_trunc('month', first)::date + make_interval(months => ahead);
        name := 'call_events_' || to_char(month, 'YYYY_MM');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF call_events FOR VALUES FROM (%L) TO (%L)',
                name, month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('ALTER TABLE %I ALTER COLUMN run_id SET STATISTICS 0', name);  -- as for run_work
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
SELECT call_events_months((now() AT TIME ZONE 'UTC')::date, 12);

-- Counters of the metrics for events up to metric_totals_up_to.event_id. A month of events that is dropped after that
-- does not lower a counter.
CREATE TABLE metric_totals (
    metric text NOT NULL,                            -- names are in include/calls/state/metrics.sql
    label  text NOT NULL,
    bucket integer NOT NULL DEFAULT 0,               -- of a histogram
    count  bigint NOT NULL,
    amount numeric NOT NULL DEFAULT 0,               -- seconds or minutes
    PRIMARY KEY (metric, label, bucket)
);
CREATE TABLE metric_totals_up_to (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    event_id bigint NOT NULL DEFAULT 0
);
INSERT INTO metric_totals_up_to DEFAULT VALUES;

-- ---------------------------------------------------------------- decisions of people

CREATE TABLE dead_letters (
    recording_id    bigint PRIMARY KEY REFERENCES recordings (recording_id),
    run_id          uuid NOT NULL REFERENCES call_exports (run_id),  -- the run that gave the recording up
    stage           text NOT NULL,
    error_code      text,
    error_message   text,
    first_failed_at timestamptz NOT NULL,
    moved_at        timestamptz NOT NULL DEFAULT now(),
    replayed_at     timestamptz                      -- NULL: the letter waits
);
CREATE VIEW call_export_dlq AS
SELECT letter.run_id, own.call_id, own.record_id, letter.stage, letter.error_code, letter.error_message,
       letter.first_failed_at, letter.moved_at, letter.replayed_at, letter.recording_id
  FROM dead_letters letter JOIN recordings own USING (recording_id);

-- An analyst's verdict on a recording. The last one counts; earlier ones are in call_events.
CREATE TABLE call_qa_checks (
    recording_id  bigint PRIMARY KEY REFERENCES recordings (recording_id),
    transcript_id bigint NOT NULL REFERENCES transcripts (transcript_id),  -- the text that was judged
    run_id        uuid NOT NULL REFERENCES call_exports (run_id),  -- the run whose sample contained it
    result        text NOT NULL CHECK (result IN ('ok', 'issue')),
    comment       text NOT NULL DEFAULT '' CHECK (length(comment) <= 2000),
    checked_by    text NOT NULL,
    checked_at    timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------- files of a period

-- The registry in a folder, with the report beside it: which run it shows and whether that run had finished.
CREATE TABLE publications (
    registry_key text PRIMARY KEY,
    run_id       uuid NOT NULL REFERENCES call_exports (run_id),
    complete     boolean NOT NULL,                   -- true: written by publish; false: during a run
    rows         integer NOT NULL,
    seconds      double precision NOT NULL,          -- how long writing took
    written_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Delivered files that the registry at this key refers to. A trial and the whole period share a folder, but each of them
-- knows only how fresh its own recordings' copies are.
CREATE TABLE deliveries (
    registry_key text PRIMARY KEY,
    texts_at     timestamptz NOT NULL,               -- texts changed later are not delivered yet
    audio_at     timestamptz,                        -- NULL: without audio
    run_id       uuid REFERENCES call_exports (run_id),  -- NULL: delivered by make deliver
    actor        text NOT NULL
);

-- ---------------------------------------------------------------- what a run reports

-- A run reports the recordings of its period as they are now. A recording that the portal does not list any more is
-- reported while it has a text.
CREATE VIEW reported_recordings AS
SELECT run.run_id, own.*
  FROM call_exports run
  JOIN recordings own
    ON own.portal_id = run.portal_id
   AND own.call_started_at >= run.period_from AND own.call_started_at < run.period_to + interval '1 second'
   AND own.statistics_id <= coalesce(run.last_statistics_id, 9223372036854775807)
   AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL);

CREATE VIEW call_records AS
SELECT own.run_id, own.call_id, own.record_id, own.statistics_id, own.status, own.direction, own.from_number,
       own.to_number, own.employee_id, own.employee_name, own.call_started_at, own.duration_sec, own.audio_sec,
       own.recording_url, own.raw_path, own.checksum, own.transcript_path, own.summary_path, own.tags, text.language,
       text.roles, text.source, text.model,
       CASE WHEN text.transcript_id IS NOT NULL THEN coalesce((
           SELECT sum(usd) FROM charges paid
            WHERE paid.recording_id = text.recording_id AND paid.purchase_no = text.purchase_no
              AND paid.purpose IN ('recognition', 'fallback', 'rounding')), 0) END AS cost,
       'USD'::text AS currency_code, own.attempts, own.error_code, own.error_message, own.needs_review,
       own.review_reasons, nullif(text.run_id, own.run_id) AS reused_from_run_id, own.updated_at,
       own.retry_count, own.phone_line, own.utc_offset_sec, own.outcome, own.outcome_code, own.recording_ref,
       text.preview AS text_preview, work.batch_no, own.first_failed_at, own.stage_attempts, own.recording_id,
       own.transcript_id
  FROM reported_recordings own
  LEFT JOIN transcripts text USING (transcript_id)
  LEFT JOIN run_work work ON work.run_id = own.run_id AND work.recording_id = own.recording_id;

-- What a person may change with SQL: send a recording back to pending, and blank personal data.
CREATE FUNCTION call_records_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    holder uuid;
    sent_back boolean := NEW.status <> OLD.status;
BEGIN
    IF sent_back THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'call_records: a person can only send a recording back to pending, not to %', NEW.status;
        END IF;
        SELECT run_id INTO holder FROM work_in_progress WHERE recording_id = OLD.recording_id;
        IF holder IS NOT NULL OR OLD.status NOT IN ('completed', 'error', 'missing_audio', 'downloaded') THEN
            RAISE WARNING 'call %, recording %: not changed, its status is % (work in progress of run %)',
                OLD.call_id, OLD.record_id, OLD.status, coalesce(holder::text, 'none');
            RETURN NULL;
        END IF;
    END IF;
    UPDATE recordings own
       SET status = NEW.status, error_code = CASE WHEN NOT sent_back THEN NEW.error_code END,
           error_message = NEW.error_message, retry_count = NEW.retry_count,
           first_failed_at = CASE WHEN NOT sent_back THEN own.first_failed_at END,
           stage_attempts = CASE WHEN NOT sent_back THEN own.stage_attempts ELSE 0 END,
           deaths = CASE WHEN NOT sent_back THEN own.deaths ELSE 0 END,
           missing_since = CASE WHEN NOT sent_back THEN own.missing_since END,
           look_again_on = CASE WHEN NOT sent_back THEN own.look_again_on END,
           purchase_no = own.purchase_no + CASE WHEN sent_back AND OLD.status = 'completed' THEN 1 ELSE 0 END,
           from_number = NEW.from_number, to_number = NEW.to_number, employee_id = NEW.employee_id,
           employee_name = NEW.employee_name, recording_url = NEW.recording_url, tags = NEW.tags, updated_at = now()
     WHERE recording_id = OLD.recording_id AND own.status = OLD.status;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF sent_back THEN
        UPDATE dead_letters SET replayed_at = now() WHERE recording_id = OLD.recording_id AND replayed_at IS NULL;
        INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
        VALUES (OLD.run_id, OLD.call_id, OLD.record_id, OLD.recording_id, 'by_hand', NEW.status,
                jsonb_build_object('from', OLD.status, 'why', 'sent back by a person', 'by', session_user));
    END IF;
    IF NEW.text_preview IS DISTINCT FROM OLD.text_preview THEN
        UPDATE transcripts SET preview = coalesce(NEW.text_preview, '') WHERE transcript_id = OLD.transcript_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER call_records_update INSTEAD OF UPDATE ON call_records
    FOR EACH ROW EXECUTE FUNCTION call_records_by_hand();
