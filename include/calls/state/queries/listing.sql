-- Calls as the portal lists them, from a temporary table into call_records (D8, D10), a chunk at a time.
--
-- No statistics know a run that is being listed: the planner guesses its size, and a join with it might read the whole
-- run again for every chunk. So rows are looked up one by one (LIMIT 1 keeps it so), each by its index.

-- name: create_incoming#
CREATE TEMPORARY TABLE incoming (
    call_id text, record_id text, statistics_id bigint, direction text, from_number text, to_number text,
    employee_id text, employee_name text, call_started_at timestamptz, duration_sec integer, recording_url text,
    portal_number text, portal_offset_sec integer, failed_code text, file_id bigint, has_recording boolean
) ON COMMIT DROP;

-- name: copy_incoming#
COPY incoming FROM STDIN;

-- name: refresh_known
-- The figures follow the portal always; a recording that came late or got its final name only where nobody has begun.
WITH fresh AS (
    SELECT DISTINCT ON (statistics_id) * FROM incoming ORDER BY statistics_id, has_recording DESC
), found AS (
    SELECT known.call_id AS old_call_id, known.record_id AS old_record_id, known.status AS was, fresh.*,
           fresh.has_recording AND fresh.record_id <> known.record_id
           AND known.status = ANY(:untouched) AND known.raw_path IS NULL
           AND NOT EXISTS (SELECT FROM call_records other
                            WHERE other.run_id = :run_id AND other.call_id = fresh.call_id
                              AND other.record_id = fresh.record_id) AS renamed,
           known.duration_sec <> fresh.duration_sec OR known.failed_code <> fresh.failed_code
           OR known.employee_name IS DISTINCT FROM coalesce(fresh.employee_name, known.employee_name) AS changed
      FROM fresh
     CROSS JOIN LATERAL (SELECT * FROM call_records
                          WHERE run_id = :run_id AND statistics_id = fresh.statistics_id LIMIT 1) known
), named AS (  -- two rows of one call may have got the same file: the first takes its name, the other keeps its own
    SELECT *, renamed AND row_number() OVER (PARTITION BY renamed, call_id, record_id ORDER BY statistics_id) = 1 AS first
      FROM found
), wanted AS MATERIALIZED (
    SELECT *, first AND was = ANY(:expected) AS late FROM named WHERE first OR changed
), refreshed AS (
    UPDATE call_records known
       SET duration_sec = wanted.duration_sec,
           employee_name = coalesce(wanted.employee_name, known.employee_name),
           failed_code = wanted.failed_code,
           record_id = CASE WHEN first THEN wanted.record_id ELSE known.record_id END,
           file_id = CASE WHEN first THEN wanted.file_id ELSE known.file_id END,
           recording_url = CASE WHEN first THEN wanted.recording_url ELSE known.recording_url END,
           status = CASE WHEN late THEN :to ELSE known.status END,
           updated_at = now()
      FROM wanted
     WHERE known.run_id = :run_id AND known.call_id = wanted.old_call_id AND known.record_id = wanted.old_record_id
       AND known.status = was
    RETURNING known.run_id, known.call_id, known.record_id, was, late
), told AS (
    INSERT INTO call_events (run_id, call_id, record_id, stage, event, detail)
    SELECT run_id, call_id, record_id, :stage, :to,
           jsonb_build_object('from', was, 'why', 'the recording has arrived since')
      FROM refreshed
     WHERE late
)
SELECT count(*) FROM refreshed;

-- name: insert_new!
INSERT INTO call_records (run_id, call_id, record_id, statistics_id, status, direction, from_number, to_number,
                          employee_id, employee_name, call_started_at, duration_sec, recording_url, portal_number,
                          portal_offset_sec, failed_code, file_id)
SELECT :run_id, call_id, record_id, statistics_id, CASE WHEN has_recording THEN 'pending' ELSE 'no_recording' END,
       direction, from_number, to_number, employee_id, employee_name, call_started_at, duration_sec, recording_url,
       portal_number, portal_offset_sec, failed_code, file_id
  FROM incoming
 ORDER BY statistics_id, has_recording DESC
ON CONFLICT DO NOTHING;

-- name: shared
SELECT count(DISTINCT statistics_id)
  FROM incoming
 WHERE (SELECT known.run_id FROM call_records known
         WHERE known.run_id = :run_id AND known.statistics_id = incoming.statistics_id LIMIT 1) IS NULL;
