-- Tokens that a person has given and only a person can renew: since when they are used.

-- name: seen
-- Another token begins its own time.
INSERT INTO sales.api_tokens AS token (source, owner, sealed, issued_at, expires_at)
VALUES (:source, 'given by a person', :digest, now(), now() + make_interval(secs => :lives_seconds))
ON CONFLICT (source, owner) DO UPDATE
SET sealed = excluded.sealed,
    issued_at = CASE WHEN token.sealed = excluded.sealed THEN token.issued_at ELSE now() END,
    expires_at = CASE WHEN token.sealed = excluded.sealed THEN token.issued_at ELSE now() END
                 + make_interval(secs => :lives_seconds)
RETURNING expires_at;

-- name: forget!
DELETE FROM sales.api_tokens WHERE source = :source AND owner = 'given by a person';

-- name: ends
SELECT source, expires_at FROM sales.api_tokens WHERE owner = 'given by a person' ORDER BY source;
