-- One door to the language models (ADR 0037): the routing table's versions, the state of each provider, every request.

-- What the API has written over routing.yaml and the environment; the last version is in force.
CREATE TABLE llm_routing_versions (
    version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    config  jsonb NOT NULL,                          -- the whole layer of the API
    diff    jsonb NOT NULL,                          -- what this version changed
    actor   text NOT NULL CHECK (actor <> ''),
    reason  text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    at      timestamptz NOT NULL DEFAULT now()
);

-- A provider without a row is closed: it works, and none of its requests has failed.
CREATE TABLE llm_provider_state (
    provider        text PRIMARY KEY,
    state           text NOT NULL DEFAULT 'closed'
                    CHECK (state IN ('closed', 'open', 'half_open', 'exhausted', 'misconfigured')),
    failures        integer NOT NULL DEFAULT 0,      -- in a row
    opens           integer NOT NULL DEFAULT 0,      -- in a row: each doubles the time
    open_until      timestamptz,                     -- of `open` and `exhausted`: then one caller may probe
    probe_by        text,                            -- the caller that has the probe
    probe_until     timestamptz,                     -- a probe without an end by then has died
    throttled_until timestamptz,                     -- the provider asked all of us to wait
    fingerprint     text,                            -- of `misconfigured`: keyed hash of what did not work
    reason          text,                            -- our word or the service's code
    changed_at      timestamptz NOT NULL DEFAULT now()
);

-- Every move of a provider, whichever statement made it.
CREATE TABLE llm_provider_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    provider  text NOT NULL,
    was       text NOT NULL,
    state     text NOT NULL,
    reason    text,
    actor     text NOT NULL                          -- a caller, or the person who reset it
);
CREATE FUNCTION llm_provider_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state THEN
        INSERT INTO llm_provider_changes (provider, was, state, reason, actor)
        SELECT NEW.provider, CASE WHEN TG_OP = 'INSERT' THEN 'closed' ELSE OLD.state END, NEW.state, NEW.reason,
               coalesce(nullif(current_setting('call_export.actor', true), ''), NEW.probe_by, 'a task')
         WHERE TG_OP = 'UPDATE' OR NEW.state <> 'closed';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER llm_provider_moved AFTER INSERT OR UPDATE ON llm_provider_state
    FOR EACH ROW EXECUTE FUNCTION llm_provider_moves();

-- Every request to a language model. No text, no name, no number of a person.
CREATE TABLE llm_requests (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                 timestamptz NOT NULL DEFAULT clock_timestamp(),
    task               text NOT NULL,
    provider           text NOT NULL,
    model              text NOT NULL,
    outcome            text NOT NULL,                -- an Outcome of include/clients/language_models/question.py
    reason             text NOT NULL DEFAULT '',
    http_status        integer,
    latency_ms         integer NOT NULL,
    input_tokens       integer NOT NULL DEFAULT 0,
    cached_tokens      integer NOT NULL DEFAULT 0,
    output_tokens      integer NOT NULL DEFAULT 0,
    cost               numeric(12, 6) NOT NULL DEFAULT 0 CHECK (cost >= 0),
    counted_by_service boolean NOT NULL DEFAULT false,
    maybe_paid         boolean NOT NULL DEFAULT false, -- sent, no answer: counted with the forecast's price
    failover_from      text,                         -- the provider that could not be asked or did not answer before
    subject            text NOT NULL DEFAULT '',     -- checksum of a text
    run_id             text NOT NULL DEFAULT ''      -- of the area's run
);
CREATE INDEX llm_requests_by_time ON llm_requests (at);
CREATE INDEX llm_requests_by_subject ON llm_requests (run_id, subject) WHERE subject <> '';

-- Its sum by day (UTC), provider and run: asked before each request, so it must not grow with the log.
CREATE TABLE llm_spending (
    day      date NOT NULL,
    provider text NOT NULL,
    run_id   text NOT NULL,
    usd      numeric(14, 6) NOT NULL,
    PRIMARY KEY (day, provider, run_id)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX llm_spending_by_run ON llm_spending (run_id);
CREATE FUNCTION llm_spending_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO llm_spending AS total (day, provider, run_id, usd)
    SELECT (at AT TIME ZONE 'UTC')::date, provider, run_id, sum(cost)
      FROM added WHERE cost > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (day, provider, run_id) DO UPDATE SET usd = total.usd + excluded.usd;
    RETURN NULL;
END $$;
CREATE TRIGGER llm_requests_are_added AFTER INSERT ON llm_requests REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION llm_spending_follows();

-- A person has allowed more than the day's ceiling of the table, for that day (UTC).
CREATE TABLE llm_day_ceilings (
    day date PRIMARY KEY,
    usd numeric(14, 6) NOT NULL CHECK (usd >= 0),
    by  text NOT NULL,
    at  timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION llm_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER llm_routing_versions_append_only BEFORE UPDATE OR DELETE ON llm_routing_versions
    FOR EACH ROW EXECUTE FUNCTION llm_append_only();
CREATE TRIGGER llm_requests_no_change BEFORE UPDATE ON llm_requests
    FOR EACH ROW EXECUTE FUNCTION llm_append_only();
