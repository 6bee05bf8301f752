-- The history of the smoke test.

-- name: keep!
-- The results of a run. A task that is repeated writes the same rows again.
INSERT INTO stt_smoke_results AS known (smoke_id, at, playlist, playlist_hash, engine, model, normaliser, call_id, record_id, status,
                                        wer, cer, role_error, words, errors, seconds, audio_sec, cost, error_code, transcript_path)
SELECT :smoke_id, :at, :playlist, :playlist_hash, engine, model, :normaliser, call_id, record_id, status, wer, cer, role_error,
       words, errors, seconds, audio_sec, cost, error_code, transcript_path
  FROM jsonb_to_recordset(:results) AS result(engine text, model text, call_id text, record_id text, status text,
       wer double precision, cer double precision, role_error double precision, words integer, errors integer,
       seconds double precision, audio_sec double precision, cost numeric, error_code text, transcript_path text)
ON CONFLICT (smoke_id, engine, call_id, record_id) DO UPDATE
   SET at = excluded.at, model = excluded.model, status = excluded.status, wer = excluded.wer, cer = excluded.cer,
       role_error = excluded.role_error, words = excluded.words, errors = excluded.errors, seconds = excluded.seconds,
       audio_sec = excluded.audio_sec, cost = excluded.cost, error_code = excluded.error_code,
       transcript_path = excluded.transcript_path;
