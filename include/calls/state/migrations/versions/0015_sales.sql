-- Ticket sales and ads: the truth about the work. The figures are in ClickHouse, which may be down.
CREATE SCHEMA sales;

-- Load numbers rise for ever, also when this database was restored from an older copy than ClickHouse has.
CREATE TABLE sales.load_numbers (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last bigint NOT NULL
);
INSERT INTO sales.load_numbers (last) VALUES (0);

-- One scope fetched and written under one number; the number is `_ver` of the rows in ClickHouse.
CREATE TABLE sales.loads (
    load_id bigint PRIMARY KEY,
    source text NOT NULL,
    stream text NOT NULL,
    account text NOT NULL DEFAULT '',
    scope jsonb NOT NULL,
    kind text NOT NULL CHECK (kind IN ('delta', 'window')),
    status text NOT NULL DEFAULT 'fetching'
        CHECK (status IN ('fetching', 'writing', 'loaded', 'failed', 'superseded')),
    report_name text NOT NULL,
    dag_run_id text NOT NULL,
    replaced_by bigint REFERENCES sales.loads (load_id),
    rows bigint NOT NULL DEFAULT 0,
    tombstones bigint NOT NULL DEFAULT 0,
    amount numeric(18, 2) NOT NULL DEFAULT 0,
    counters jsonb NOT NULL DEFAULT '{}',
    content_hash text,
    error_code text,
    opened_at timestamptz NOT NULL DEFAULT now(),
    writing_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX loads_by_dag_run ON sales.loads (dag_run_id);
CREATE INDEX loads_by_source ON sales.loads (source, stream, account, finished_at);

-- Who may load a source's account now.
CREATE TABLE sales.leases (
    source text NOT NULL,
    account text NOT NULL,
    holder text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (source, account)
);

-- How far a delta has read; it only rises.
CREATE TABLE sales.watermarks (
    source text NOT NULL,
    stream text NOT NULL,
    account text NOT NULL,
    watermark timestamptz NOT NULL,
    load_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, stream, account)
);

-- The common rate of all requests to a source on behalf of one owner of its limits.
CREATE TABLE sales.pace (
    source text NOT NULL,
    owner text NOT NULL,
    next_permit_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL DEFAULT '-infinity',
    low_rate_until timestamptz NOT NULL DEFAULT '-infinity',
    quota jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (source, owner)
);

-- Tokens that a source gives out for a limited time; sealed, never in clear.
CREATE TABLE sales.api_tokens (
    source text NOT NULL,
    owner text NOT NULL,
    sealed text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (source, owner)
);

-- Letters that were read, so that each is read once.
CREATE TABLE sales.mail_seen (
    msg_id text PRIMARY KEY,
    received_at timestamptz NOT NULL,
    verdict text NOT NULL,
    rows integer NOT NULL DEFAULT 0,
    load_id bigint,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Runs of the jobs and alerts; ClickHouse gets copies. `revision` rises with each change, `copied` is what it has.
CREATE TABLE sales.job_runs (
    job text NOT NULL,
    run_id text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    status text NOT NULL CHECK (status IN ('running', 'success', 'error')),
    rows_processed bigint NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    error_code text,
    metrics jsonb NOT NULL DEFAULT '{}',
    revision bigint NOT NULL DEFAULT 1,
    copied bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job, run_id)
);
CREATE INDEX job_runs_by_time ON sales.job_runs (job, started_at);

CREATE TABLE sales.alerts (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    job text NOT NULL,
    alert_type text NOT NULL CHECK (alert_type IN ('error', 'warning', 'info')),
    code text NOT NULL,
    source text NOT NULL DEFAULT '',
    account text NOT NULL DEFAULT '',
    message text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    occurrences integer NOT NULL DEFAULT 1,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    notified_at timestamptz,
    notified_type text,
    resolved_at timestamptz,
    resolution_notified_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    revision bigint NOT NULL DEFAULT 1,
    copied bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alerts_open_once ON sales.alerts (fingerprint) WHERE resolved_at IS NULL;

CREATE TABLE sales.backup_runs (
    backup text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('full', 'incremental')),
    base text REFERENCES sales.backup_runs (backup),
    status text NOT NULL CHECK (status IN ('running', 'created', 'verified', 'failed', 'pruned')),
    manifest jsonb NOT NULL,
    bytes bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    verified_at timestamptz,
    restore_checked_at timestamptz,
    message text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 1,
    copied bigint NOT NULL DEFAULT 0
);

-- What happened to loads, leases and load numbers; added to only.
CREATE TABLE sales.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    load_id bigint,
    source text NOT NULL DEFAULT '',
    account text NOT NULL DEFAULT '',
    event text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_by_load ON sales.events (load_id);
