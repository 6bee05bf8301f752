-- Since when each secret is in use, so that a person is reminded to change it. Never the secret: a hash with a key that is
-- in no database.
CREATE TABLE secrets_seen (
    name          text PRIMARY KEY,                  -- the Airflow connection whose password it is
    fingerprint   text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now()
);
