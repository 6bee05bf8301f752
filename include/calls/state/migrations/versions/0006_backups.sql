-- What the monitoring says of backups. The place itself is the truth: a restored database knows the backups of its time.

CREATE TABLE backups (
    backup_id       text PRIMARY KEY,                 -- its folder at the place
    reason          text NOT NULL,
    made_at         timestamptz NOT NULL,
    bytes           bigint NOT NULL,                  -- what it added to the place
    seconds         double precision NOT NULL,
    verified_at     timestamptz,                      -- restored into scratch databases, and every table was the same
    restore_seconds double precision                  -- what that restore took
);
