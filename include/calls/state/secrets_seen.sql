-- Statements of include/calls/state/secrets_seen.py.

-- name: seen
-- Names of the secrets that are new or differ from what was seen before; `first` where there was none.
WITH given AS (
    SELECT * FROM unnest(:names::text[], :fingerprints::text[]) AS given (name, fingerprint)
), before AS (
    SELECT known.name FROM secrets_seen known JOIN given USING (name)
), changed AS (
    INSERT INTO secrets_seen AS known (name, fingerprint)
    SELECT name, fingerprint FROM given ORDER BY name
    ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, first_seen_at = now()
     WHERE known.fingerprint <> excluded.fingerprint
    RETURNING name
)
SELECT changed.name, before.name IS NULL AS first FROM changed LEFT JOIN before USING (name) ORDER BY 1;
