-- The call browser: search over texts, shared searches, scopes.

-- ---------------------------------------------------------------- words

-- PostgreSQL's own `russian` throws away "не", "нет", "больше": a search for "не работает" would find "работает". These
-- dictionaries have no list of stop words; the stemmer makes е of ё itself. Words in Latin letters are taken as English.
CREATE TEXT SEARCH DICTIONARY call_russian (TEMPLATE = snowball, LANGUAGE = russian);
CREATE TEXT SEARCH DICTIONARY call_english (TEMPLATE = snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION call_ru (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION call_ru
    ADD MAPPING FOR asciiword, asciihword, hword_asciipart WITH call_english;
ALTER TEXT SEARCH CONFIGURATION call_ru
    ADD MAPPING FOR word, hword, hword_part WITH call_russian;
ALTER TEXT SEARCH CONFIGURATION call_ru
    ADD MAPPING FOR numword, numhword, hword_numpart, int, uint, float, sfloat, version, email, host, url, url_path, file
    WITH simple;

-- The spoken words of a text's body: without the time and the speaker at the beginning of each line, so that a search for
-- "клиент" finds calls in which the word was said. The lines stay lines. What stands between < and > is words like any
-- other: PostgreSQL's parser would leave it out. A search needs no more than the beginning of a very long text.
CREATE FUNCTION spoken_words(body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(translate(regexp_replace(body, '^\[[0-9:]+\] \[[^]]*\]: ?', '', 'gn'), '<>', '  '), 500000)
$$;

-- The words of the current text of each recording. A row is written and removed by the statement that changes the
-- recording or ends its text (`call_search_follows`); texts that are older than this table are added by `make index`.
CREATE TABLE call_search (
    recording_id bigint PRIMARY KEY REFERENCES recordings (recording_id),
    started_at   timestamptz NOT NULL,               -- recordings.call_started_at
    words        tsvector NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE INDEX call_search_newest ON call_search (started_at DESC, recording_id DESC);
CREATE INDEX call_search_words ON call_search USING gin (words) WITH (fastupdate = off);  -- no list of words on the side
ALTER TABLE call_search ALTER COLUMN words SET STATISTICS 0;  -- the statements choose the way themselves

CREATE FUNCTION call_search_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.transcript_id IS NULL OR NEW.text_ended_at IS NOT NULL THEN
        DELETE FROM call_search WHERE recording_id = NEW.recording_id;
    ELSIF TG_OP = 'UPDATE' AND NEW.transcript_id IS NOT DISTINCT FROM OLD.transcript_id THEN
        UPDATE call_search SET started_at = NEW.call_started_at WHERE recording_id = NEW.recording_id;
    ELSE
        INSERT INTO call_search (recording_id, started_at, words)
        SELECT NEW.recording_id, NEW.call_started_at, to_tsvector('call_ru', spoken_words(text.body))
          FROM transcripts text WHERE text.transcript_id = NEW.transcript_id
        ON CONFLICT (recording_id) DO UPDATE SET started_at = excluded.started_at, words = excluded.words;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_searched AFTER UPDATE OF transcript_id, text_ended_at, call_started_at ON recordings
    FOR EACH ROW
    WHEN (NEW.transcript_id IS DISTINCT FROM OLD.transcript_id OR NEW.text_ended_at IS DISTINCT FROM OLD.text_ended_at
          OR NEW.transcript_id IS NOT NULL AND NEW.call_started_at <> OLD.call_started_at)
    EXECUTE FUNCTION call_search_follows();

-- How far `make index` has come: one row.
CREATE TABLE call_search_backfill (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    up_to    bigint NOT NULL DEFAULT 0,              -- recordings up to this one are done
    done     bigint NOT NULL DEFAULT 0,
    texts    bigint NOT NULL                         -- that were there before this table
);
INSERT INTO call_search_backfill (texts)
SELECT count(*) FROM recordings WHERE transcript_id IS NOT NULL AND text_ended_at IS NULL;

-- ---------------------------------------------------------------- lists

CREATE INDEX recordings_newest ON recordings (call_started_at DESC, recording_id DESC);
CREATE INDEX recordings_of_line ON recordings (phone_line, call_started_at DESC, recording_id DESC);
CREATE INDEX recordings_of_employee ON recordings (employee_name, call_started_at DESC, recording_id DESC)
    WHERE employee_name IS NOT NULL;
CREATE INDEX recordings_to_review ON recordings (call_started_at DESC, recording_id DESC) WHERE needs_review;

-- The last digits of a number, as people remember them, are the first ones of this.
CREATE FUNCTION last_digits(number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT reverse(regexp_replace(number, '[^0-9]', '', 'g'))
$$;
CREATE INDEX recordings_by_from_digits ON recordings (last_digits(from_number) text_pattern_ops) WHERE from_number <> '';
CREATE INDEX recordings_by_to_digits ON recordings (last_digits(to_number) text_pattern_ops) WHERE to_number <> '';

-- ---------------------------------------------------------------- people

-- Whose calls a reader sees. Without a row: all. NULL does not restrict; both given: both must fit.
CREATE TABLE call_scopes (
    actor        text PRIMARY KEY CHECK (actor <> ''),  -- the user's id in Airflow, or the name of a token
    lines        text[],                             -- phone lines as recordings.phone_line spells them
    employee_ids text[]
);

-- The one rule of scopes; NULL for who sees all.
CREATE FUNCTION in_scope(phone_line text, employee_id text, lines text[], employee_ids text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lines IS NULL OR phone_line = ANY(lines)) AND (employee_ids IS NULL OR coalesce(employee_id = ANY(employee_ids), false))
$$;

-- A search that a person shares is an id in a link; the words stay here for 30 days.
CREATE TABLE shared_searches (
    search_id text PRIMARY KEY,
    asked     jsonb NOT NULL,
    shared_by text NOT NULL,
    shared_at timestamptz NOT NULL DEFAULT now()
);
