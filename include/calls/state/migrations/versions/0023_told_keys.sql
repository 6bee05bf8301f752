-- An erasure told the keys of rewritten files, and those of copies of summaries have the call's id in them.

UPDATE erasures
   SET rewritten = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(rewritten)
                     WHERE key !~ '^exports/[^/]*/(transcripts|summary|raw)/')
 WHERE rewritten::text ~ 'exports/[^/]*/(transcripts|summary|raw)/';
