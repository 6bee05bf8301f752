-- Whose registry and report lie in a folder, and which files were delivered into it. `registry_key` is the key of the
-- registry's CSV file.

-- name: lock
-- One task at a time writes a folder's registry. The lock is held until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('registry ' || :registry_key, 0));

-- name: try_lock
-- The same lock without waiting.
SELECT pg_try_advisory_xact_lock(hashtextextended('registry ' || :registry_key, 0));

-- name: owner
-- The run whose registry belongs at this key: of the run that asks and the last complete publisher the one whose period
-- ends later, then the one whose period begins earlier, then the one that started later.
SELECT run.run_id
  FROM call_exports run
 WHERE run.run_id = :run_id
    OR run.run_id = (SELECT run_id FROM publications WHERE registry_key = :registry_key AND complete)
 ORDER BY run.period_to DESC, run.period_from, run.started_at DESC NULLS LAST, run.run_id = :run_id DESC
 LIMIT 1;

-- name: live_due
-- Whether a running run may write its registry now: the list of calls is complete, no complete registry lies at the key,
-- and since the last writing (or the start) `every` seconds have passed and `rest` times the duration of that writing.
SELECT run.status = 'running' AND run.metadata ? 'listed'
       AND NOT coalesce(there.complete, false)
       AND clock_timestamp() >= greatest(run.started_at, there.written_at)
           + make_interval(secs => greatest(:every::float, :rest::float * coalesce(there.seconds, 0)))
  FROM call_exports run LEFT JOIN publications there ON there.registry_key = :registry_key
 WHERE run.run_id = :run_id;

-- name: note!
-- The registry that was written just now.
INSERT INTO publications (registry_key, run_id, complete, rows, seconds)
VALUES (:registry_key, :run_id, :complete, :rows, :seconds)
ON CONFLICT (registry_key) DO UPDATE
   SET run_id = excluded.run_id, complete = excluded.complete, rows = excluded.rows, seconds = excluded.seconds,
       written_at = clock_timestamp();

-- name: publisher
-- The run whose complete registry lies at the key.
SELECT run_id FROM publications WHERE registry_key = :registry_key AND complete;

-- name: written_at
-- When the complete registry at the key was last written.
SELECT written_at FROM publications WHERE registry_key = :registry_key AND complete;

-- name: delivery
-- How fresh the delivered files are that the registry at the key refers to.
SELECT texts_at, audio_at, masked FROM deliveries WHERE registry_key = :registry_key;

-- name: note_delivery!
-- A delivery that this transaction has made. A text that changed less than five minutes before the transaction began may
-- have been committed after the delivery read it: such a text counts as stale and the next delivery copies it again. A
-- masked folder has no audio.
INSERT INTO deliveries (registry_key, texts_at, audio_at, masked, run_id, actor)
VALUES (:registry_key, now() - interval '5 minutes', CASE WHEN :audio::boolean AND NOT :masked::boolean THEN now() END,
        :masked, :run_id, :actor)
ON CONFLICT (registry_key) DO UPDATE
   SET texts_at = excluded.texts_at,
       audio_at = CASE WHEN NOT excluded.masked THEN coalesce(excluded.audio_at, deliveries.audio_at) END,
       masked = excluded.masked, run_id = excluded.run_id, actor = excluded.actor;

-- name: portals
-- Every portal that has listed calls.
SELECT portal_id FROM portals ORDER BY portal_id;

-- name: known_period
-- The newest run of a portal that listed some of these days, if whole listings cover all of them.
SELECT (array_agg(run_id ORDER BY started_at DESC))[1] AS run_id
  FROM call_exports
 WHERE portal_id = :portal_id AND metadata ? 'listed' AND last_statistics_id IS NULL
   AND period_from <= :period_to AND period_to >= :period_from
HAVING range_agg(tstzrange(period_from, period_to + interval '1 second'))
       @> tstzrange(:period_from::timestamptz, :period_to::timestamptz + interval '1 second');
