-- What the DAG stt_smoke found: a row for each entry of a playlist at each engine, in each run. Written by
-- include/smoke/state, read by the page of metrics; here because a database has one chain of migrations.
CREATE TABLE stt_smoke_results (
    smoke_id        text NOT NULL,                   -- the run
    at              timestamptz NOT NULL,
    playlist        text NOT NULL,
    playlist_hash   text NOT NULL,                   -- sha256 of its file
    engine          text NOT NULL,
    model           text NOT NULL,
    normaliser      text NOT NULL,                   -- version of the rules for words: others cannot be compared
    call_id         text NOT NULL,                   -- of the playlist, not of a recording
    record_id       text NOT NULL,
    status          text NOT NULL CHECK (status IN ('success', 'failure')),
    wer             double precision,                -- NULL: no text, or no words to compare with
    cer             double precision,
    role_error      double precision,
    words           integer NOT NULL DEFAULT 0,      -- of the expected text
    errors          integer NOT NULL DEFAULT 0,
    seconds         double precision NOT NULL,
    audio_sec       double precision NOT NULL,
    cost            numeric(14, 6) NOT NULL,         -- USD
    error_code      text,
    transcript_path text,                            -- key in the storage, below stt_smoke/
    PRIMARY KEY (smoke_id, engine, call_id, record_id)
);
CREATE INDEX stt_smoke_results_by_time ON stt_smoke_results (at);
