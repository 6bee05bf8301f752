-- Who did what with people's conversations (ADR 0019). Entries are added by audit_record alone and removed by audit_forget
-- alone, when they are three years old. Both run with the rights of their owner, so the role of the tasks needs no
-- right on the table but SELECT.

CREATE TABLE audit_log (
    entry_no      bigint PRIMARY KEY,                -- 1, 2, 3, ... without gaps
    at            timestamptz NOT NULL,
    action        text NOT NULL CHECK (action <> ''),  -- an Action of include/calls/domain/audit_chain.py
    actor         text NOT NULL CHECK (actor <> ''),
    database_role text NOT NULL,                     -- who was logged in to the database
    run_id        uuid,
    call_id       text,
    record_id     text,
    reason        text NOT NULL,
    detail        jsonb NOT NULL,                    -- counts, names of things, hashes: no text, no number, no secret
    previous_hash text NOT NULL,                     -- the hash of the entry before
    hash          text NOT NULL                      -- audit_hash of this row
);
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_action ON audit_log (action, entry_no);

-- Where the chain begins and ends. An entry that is added locks this row, so entries have one order.
CREATE TABLE audit_head (
    only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    first_no            bigint NOT NULL DEFAULT 1,   -- entries before it are forgotten
    first_previous_hash text NOT NULL DEFAULT '',
    last_no             bigint NOT NULL DEFAULT 0,
    last_hash           text NOT NULL DEFAULT ''
);
INSERT INTO audit_head DEFAULT VALUES;

-- A field with its length, so that two different rows never have the same content.
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-')
$$;

-- The same as `hash_of` in include/calls/domain/audit_chain.py.
CREATE FUNCTION audit_hash(entry audit_log) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(
        audit_field(entry.previous_hash) || audit_field(entry.entry_no::text)
        || audit_field(to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || audit_field(entry.action) || audit_field(entry.actor) || audit_field(entry.database_role)
        || audit_field(entry.run_id::text) || audit_field(entry.call_id) || audit_field(entry.record_id)
        || audit_field(entry.reason) || audit_field(entry.detail::text), 'UTF8')), 'hex')
$$;

CREATE FUNCTION audit_record(action text, actor text, run_id uuid, call_id text, record_id text, reason text, detail jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry audit_log;
BEGIN
    SELECT last_no + 1, last_hash INTO entry.entry_no, entry.previous_hash FROM audit_head FOR UPDATE;
    entry.at := clock_timestamp();
    entry.action := action;
    entry.actor := actor;
    entry.database_role := session_user;
    entry.run_id := run_id;
    entry.call_id := call_id;
    entry.record_id := record_id;
    entry.reason := reason;
    entry.detail := detail;
    entry.hash := audit_hash(entry);
    INSERT INTO audit_log VALUES (entry.*);
    UPDATE audit_head SET last_no = entry.entry_no, last_hash = entry.hash;
    RETURN entry.entry_no;
END $$;

-- Removes the oldest entries, up to the first that is not older; returns how many. What the chain begins with is kept.
CREATE FUNCTION audit_forget(older_than timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    up_to bigint;
    forgotten bigint;
BEGIN
    IF older_than > now() - interval '1095 days' THEN
        RAISE EXCEPTION 'entries of the audit log are kept for three years';
    END IF;
    PERFORM 1 FROM audit_head FOR UPDATE;
    SELECT coalesce(min(entry_no) FILTER (WHERE at >= older_than), max(entry_no) + 1) - 1 INTO up_to FROM audit_log;
    UPDATE audit_head head SET first_no = up_to + 1, first_previous_hash = last.hash
      FROM audit_log last WHERE last.entry_no = up_to;
    DELETE FROM audit_log WHERE entry_no <= up_to;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END $$;

-- Checks at most `most` entries after the entry `after` (0: from the first): how far it came, whether that is the end of
-- the chain, and how many entries are changed, missing, out of order or cut off.
CREATE FUNCTION audit_check(after bigint, most integer, OUT up_to bigint, OUT at_end boolean, OUT breaks bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH found AS (
        SELECT * FROM audit_log WHERE entry_no >= after ORDER BY entry_no LIMIT most + 1
    ), linked AS (
        SELECT found.entry_no, found.hash, found.previous_hash, audit_hash(found) AS right_hash,
               lag(found.entry_no) OVER by_number AS no_before, lag(found.hash) OVER by_number AS hash_before
          FROM found WINDOW by_number AS (ORDER BY entry_no)
    ), judged AS (
        SELECT linked.entry_no, linked.hash,
               linked.hash <> linked.right_hash
               OR CASE
                  WHEN no_before IS NOT NULL THEN linked.entry_no <> no_before + 1 OR previous_hash <> hash_before
                  WHEN linked.entry_no = after THEN false  -- judged by the check before
                  ELSE linked.entry_no <> head.first_no OR previous_hash <> head.first_previous_hash
                  END AS broken
          FROM linked, audit_head head
    ), ended AS (
        SELECT coalesce(max(entry_no), head.first_no - 1) AS last_no,
               coalesce(max(hash) FILTER (WHERE entry_no = (SELECT max(entry_no) FROM judged)),
                        head.first_previous_hash) AS last_hash,
               count(*) <= most AS at_end, count(*) FILTER (WHERE broken) AS broken
          FROM audit_head head LEFT JOIN judged ON true GROUP BY head.only_row
    )
    SELECT ended.last_no, ended.at_end,
           ended.broken + (ended.at_end AND (ended.last_no <> head.last_no OR ended.last_hash <> head.last_hash))::integer
      FROM ended, audit_head head
$$;

-- For whoever owns the table: rights alone do not stop an owner's slip.
CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '1095 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only';
END $$;
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_append_only();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();

REVOKE ALL ON audit_log, audit_head FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_record(text, text, uuid, text, text, text, jsonb), audit_forget(timestamptz),
    audit_check(bigint, integer) FROM PUBLIC;
