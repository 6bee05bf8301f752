-- How data ends (ADR 0022 gives the order: the row first, then the files, then the order is settled).

-- ---------------------------------------------------------------- what has ended

ALTER TABLE recordings
    ADD COLUMN recognition_ended_at timestamptz,     -- its recognition was given up; a new purchase clears it
    ADD COLUMN text_ended_at        timestamptz,     -- the tombstone: it has no text any more and gets none
    ADD COLUMN anonymised_at        timestamptz,     -- numbers, names and ids are gone; statistics_id still names the row
    -- whichever statement forgets the tombstone is refused before it downloads or buys anything
    ADD CONSTRAINT recordings_text_ended CHECK (
        text_ended_at IS NULL OR transcript_path IS NULL AND summary_path IS NULL
                                 AND status IN ('completed', 'missing_audio', 'no_recording'));

-- Files that rows have given up and that are to be removed. The order is written in the statement that changes the row.
CREATE TABLE file_removals (
    removal_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recording_id bigint NOT NULL REFERENCES recordings (recording_id),
    what         text NOT NULL,                      -- a DataClass of include/calls/domain/data_classes.py
    keys         text[] NOT NULL,                    -- storage keys
    ordered_at   timestamptz NOT NULL DEFAULT now(),
    removed_at   timestamptz                         -- NULL: to be removed; else removed once, and looked at once more
);

-- ---------------------------------------------------------------- holds

-- What must not end: one call, the calls of a phone line of the company, or the calls of a period.
CREATE TABLE holds (
    hold_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id     text,
    phone_line  text,
    period_from timestamptz,                         -- inclusive, as in call_exports
    period_to   timestamptz,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    placed_by   text NOT NULL CHECK (placed_by <> ''),
    placed_at   timestamptz NOT NULL DEFAULT now(),
    until       timestamptz,                         -- NULL: until a person lifts it
    lifted_at   timestamptz,
    lifted_by   text,
    CHECK (num_nonnulls(call_id, phone_line, period_from) = 1),
    CHECK ((period_from IS NULL) = (period_to IS NULL) AND period_from <= period_to),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE VIEW holds_in_force AS
SELECT hold_id, call_id, phone_line, period_from, period_to, reason, placed_by, placed_at, until
  FROM holds
 WHERE lifted_at IS NULL AND (until IS NULL OR until > now());

CREATE FUNCTION is_held(own recordings) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM holds_in_force hold
                    WHERE hold.call_id = own.call_id OR hold.phone_line = own.phone_line
                       OR own.call_started_at >= hold.period_from
                          AND own.call_started_at < hold.period_to + interval '1 second')
$$;

-- A call ends as a whole, with the latest of its recordings, because they may share a text. What a run works on waits
-- for the end of the run.
CREATE FUNCTION may_end(own recordings, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT own.call_started_at < before
       AND NOT EXISTS (
           SELECT FROM recordings part
            WHERE part.portal_id = own.portal_id AND part.call_id = own.call_id
              AND (part.call_started_at >= before OR part.status IN ('downloading', 'transcribing') OR is_held(part)
                   OR EXISTS (SELECT FROM call_exports run JOIN run_work work USING (run_id)
                               WHERE run.status IN ('pending', 'running') AND work.recording_id = part.recording_id)))
$$;
CREATE INDEX call_exports_not_ended ON call_exports (run_id) WHERE status IN ('pending', 'running');

-- ---------------------------------------------------------------- views and functions that know of it

CREATE OR REPLACE VIEW reported_recordings AS
SELECT run.run_id, own.*
  FROM call_exports run
  JOIN recordings own
    ON own.portal_id = run.portal_id
   AND own.call_started_at >= run.period_from AND own.call_started_at < run.period_to + interval '1 second'
   AND own.statistics_id <= coalesce(run.last_statistics_id, 9223372036854775807)
   AND (own.gone_at IS NULL OR own.transcript_id IS NOT NULL);

-- As before; a recording whose text has ended is not sent back.
CREATE OR REPLACE FUNCTION call_records_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    holder uuid;
    ended timestamptz;
    sent_back boolean := NEW.status <> OLD.status;
BEGIN
    IF sent_back THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'call_records: a person can only send a recording back to pending, not to %', NEW.status;
        END IF;
        SELECT text_ended_at INTO ended FROM recordings WHERE recording_id = OLD.recording_id;
        IF ended IS NOT NULL THEN
            RAISE WARNING 'call %, recording %: not changed, its text ended with its retention period on %',
                OLD.call_id, OLD.record_id, (ended AT TIME ZONE 'UTC')::date;
            RETURN NULL;
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
     WHERE recording_id = OLD.recording_id AND own.status = OLD.status AND (NOT sent_back OR own.text_ended_at IS NULL);
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

-- Drops a month of events, and no other table; where some of its events are on hold, the others. Returns how many events
-- are gone, none while the counters of the metrics still need the month.
CREATE FUNCTION end_event_month(month text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint;
    newest bigint;
    on_hold boolean;
BEGIN
    IF month !~ '^call_events_[0-9]{4}_[0-9]{2}$' THEN
        RAISE EXCEPTION '% is no month of call_events', month;
    END IF;
    EXECUTE format('SELECT count(*), max(id) FROM %I', month) INTO gone, newest;
    IF newest > (SELECT event_id FROM metric_totals_up_to) THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM holds_in_force) AND EXISTS (
                        SELECT FROM %I event JOIN recordings own USING (recording_id) WHERE is_held(own))', month)
       INTO on_hold;
    IF on_hold THEN
        EXECUTE format('DELETE FROM %I event
                         WHERE NOT EXISTS (SELECT FROM recordings own
                                            WHERE own.recording_id = event.recording_id AND is_held(own))', month);
        GET DIAGNOSTICS gone = ROW_COUNT;
    ELSE
        EXECUTE format('DROP TABLE %I', month);
    END IF;
    RETURN gone;
END $$;
