-- A person may demand twice: each erasure has its own tombstone of the same number, with its own end.
ALTER TABLE erasure_tombstones DROP CONSTRAINT erasure_tombstones_pkey;
ALTER TABLE erasure_tombstones ADD PRIMARY KEY (erasure_id, hash);
