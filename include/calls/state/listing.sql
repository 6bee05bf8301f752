-- Calls as the telephony system lists them: from a temporary table into recordings, a chunk at a time.
--
-- PostgreSQL's statistics do not know a period that is being listed for the first time, and a join with it might read
-- the whole table for each chunk. LIMIT 1 makes PostgreSQL look rows up one by one in the index.

-- name: create_incoming#
-- The session's table for one chunk.
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    call_id text, record_id text, statistics_id bigint, direction text, from_number text, to_number text,
    employee_id text, employee_name text, call_started_at timestamptz, duration_sec integer, recording_url text,
    phone_line text, utc_offset_sec integer, outcome text, outcome_code text, recording_ref text, has_recording boolean
) ON COMMIT DELETE ROWS;

-- name: clear_incoming!
-- Needed inside a longer transaction, in which the previous chunk is still there.
DELETE FROM incoming;

-- name: copy_incoming#
-- The chunk's rows.
COPY incoming FROM STDIN;

-- name: refresh_known
-- Figures follow the telephony system. A recording that has arrived late or has got its final name is updated only if
-- work on it has not begun. A recording that the system has emptied since stays as it is, and so does one that was
-- anonymised. Returns how many rows changed.
WITH fresh AS (
    SELECT DISTINCT ON (statistics_id) * FROM incoming ORDER BY statistics_id, has_recording DESC
), found AS (
    SELECT known.recording_id, known.status AS was, known.text_ended_at IS NOT NULL AS ended, fresh.*,
           fresh.has_recording AND fresh.record_id <> known.record_id
           AND known.status = ANY(:untouched) AND known.raw_path IS NULL
           AND NOT EXISTS (SELECT FROM recordings other
                            WHERE other.portal_id = :portal_id AND other.call_id = fresh.call_id
                              AND other.record_id = fresh.record_id) AS renamed,
           known.gone_at IS NOT NULL
           OR (known.duration_sec, known.outcome, known.outcome_code, known.call_started_at, known.utc_offset_sec)
              IS DISTINCT FROM (fresh.duration_sec, fresh.outcome, fresh.outcome_code, fresh.call_started_at,
                                fresh.utc_offset_sec)
           OR known.employee_name IS DISTINCT FROM coalesce(fresh.employee_name, known.employee_name)
           OR known.direction = 'unknown' AND fresh.direction <> 'unknown' AS changed
      FROM fresh
     CROSS JOIN LATERAL (SELECT * FROM recordings
                          WHERE portal_id = :portal_id AND statistics_id = fresh.statistics_id LIMIT 1) known
     WHERE known.anonymised_at IS NULL
), named AS (  -- two rows of one call may get the same file: the first takes its name, the other keeps its own
    SELECT *, renamed AND row_number() OVER (PARTITION BY renamed, call_id, record_id ORDER BY statistics_id) = 1 AS first
      FROM found
), wanted AS MATERIALIZED (
    SELECT *, first AND was = ANY(:expected) AND NOT ended AS late FROM named WHERE first OR changed
), refreshed AS (
    UPDATE recordings known
       SET duration_sec = wanted.duration_sec, outcome = wanted.outcome, outcome_code = wanted.outcome_code,
           call_started_at = wanted.call_started_at, utc_offset_sec = wanted.utc_offset_sec, gone_at = NULL,
           employee_name = coalesce(wanted.employee_name, known.employee_name),
           (direction, from_number, to_number) = (  -- a kind of call that the client has learnt to read since
               SELECT CASE WHEN known.direction = 'unknown' THEN wanted.direction ELSE known.direction END,
                      CASE WHEN known.direction = 'unknown' THEN wanted.from_number ELSE known.from_number END,
                      CASE WHEN known.direction = 'unknown' THEN wanted.to_number ELSE known.to_number END),
           record_id = CASE WHEN first THEN wanted.record_id ELSE known.record_id END,
           recording_ref = CASE WHEN first THEN wanted.recording_ref ELSE known.recording_ref END,
           recording_url = CASE WHEN first THEN wanted.recording_url ELSE known.recording_url END,
           status = CASE WHEN late THEN :to ELSE known.status END,
           updated_at = now()
      FROM wanted
     WHERE known.recording_id = wanted.recording_id AND known.status = was
    RETURNING known.recording_id, known.call_id, known.record_id, was, late
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event, detail)
    SELECT :run_id, call_id, record_id, recording_id, :stage, :to,
           jsonb_build_object('from', was, 'why', 'the recording has arrived since')
      FROM refreshed
     WHERE late
)
SELECT count(*) FROM refreshed;

-- name: insert_new!
-- Calls seen for the first time. Known rows are not tried, so a night with nothing new takes no numbers from the
-- sequence.
INSERT INTO recordings (portal_id, call_id, record_id, statistics_id, status, direction, from_number, to_number,
                        employee_id, employee_name, call_started_at, duration_sec, recording_url, phone_line,
                        utc_offset_sec, outcome, outcome_code, recording_ref)
SELECT :portal_id, call_id, record_id, statistics_id, CASE WHEN has_recording THEN 'pending' ELSE 'no_recording' END,
       direction, from_number, to_number, employee_id, employee_name, call_started_at, duration_sec, recording_url,
       phone_line, utc_offset_sec, outcome, outcome_code, recording_ref
  FROM incoming fresh
 WHERE NOT EXISTS (SELECT FROM recordings known
                    WHERE known.portal_id = :portal_id AND known.statistics_id = fresh.statistics_id)
 ORDER BY statistics_id, has_recording DESC
ON CONFLICT DO NOTHING;

-- name: shared
-- Rows of the chunk whose recording another row has brought.
SELECT count(DISTINCT statistics_id)
  FROM incoming
 WHERE (SELECT known.portal_id FROM recordings known
         WHERE known.portal_id = :portal_id AND known.statistics_id = incoming.statistics_id LIMIT 1) IS NULL;

-- name: note_saved!
-- The counts of a listing.
INSERT INTO call_events (run_id, stage, event, detail) VALUES (:run_id, :stage, 'calls_saved', :detail);

-- name: note_gone
-- After a whole listing: recordings of the period that were not listed, each with an event. Recordings that another run
-- has listed since are left alone. Returns how many of the listed numbers are recordings.
WITH seen AS MATERIALIZED (
    SELECT DISTINCT statistics_id FROM unnest(:statistics_ids::bigint[]) AS listed (statistics_id)
), gone AS (
    UPDATE recordings own SET gone_at = now(), updated_at = now()
     WHERE portal_id = :portal_id AND call_started_at >= :period_from
       AND call_started_at < :period_to::timestamptz + interval '1 second'
       AND gone_at IS NULL AND listed_at < :listing_began_at
       AND NOT EXISTS (SELECT FROM seen WHERE seen.statistics_id = own.statistics_id)
    RETURNING own.recording_id, own.call_id, own.record_id
), noted AS (
    INSERT INTO call_events (run_id, call_id, record_id, recording_id, stage, event)
    SELECT :run_id, call_id, record_id, recording_id, :stage, 'gone_from_the_portal' FROM gone
)
SELECT count(*) FROM seen JOIN recordings own ON own.portal_id = :portal_id AND own.statistics_id = seen.statistics_id;

-- name: analyze#
-- Refreshes PostgreSQL's statistics of the recordings.
ANALYZE recordings;
