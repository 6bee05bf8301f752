-- Tokens that a source gives out for a limited time.

-- name: make!
-- The row that is locked next; it holds no token yet.
INSERT INTO sales.api_tokens (source, owner, sealed, issued_at, expires_at)
VALUES (:source, :owner, '', now(), now()) ON CONFLICT (source, owner) DO NOTHING;

-- name: lock
SELECT sealed FROM sales.api_tokens WHERE source = :source AND owner = :owner FOR UPDATE;

-- name: keep!
UPDATE sales.api_tokens SET sealed = :sealed, issued_at = now(), expires_at = coalesce(:expires_at, now())
WHERE source = :source AND owner = :owner;
