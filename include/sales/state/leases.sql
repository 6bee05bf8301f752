-- Leases: who may load a source's account now.

-- name: take
-- Free, run out, or the holder's own already; a row says that the holder has it.
INSERT INTO sales.leases AS lease (source, account, holder, until)
VALUES (:source, :account, :holder, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (source, account) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()
RETURNING holder;

-- name: renew!
UPDATE sales.leases SET until = clock_timestamp() + make_interval(secs => :seconds)
WHERE source = :source AND account = :account AND holder = :holder;

-- name: holder
SELECT holder FROM sales.leases WHERE source = :source AND account = :account AND until >= clock_timestamp();

-- name: release!
DELETE FROM sales.leases WHERE holder = :holder;
