-- The sum of each run's charges. A run that owns 100,000 charges is asked for its spending before each recording, and a
-- sum over them takes 15 ms and more. A trigger of the ledger moves the sum in the statement that moves the charge, and
-- no other statement may write it, so the two cannot differ (ADR 0017).

CREATE TABLE run_spending (
    run_id uuid PRIMARY KEY REFERENCES call_exports (run_id),
    usd    numeric(14, 6) NOT NULL                   -- the sum of its charges
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- Once for a statement: a statement that writes many charges moves the sum once.
CREATE FUNCTION run_spending_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        INSERT INTO run_spending AS total (run_id, usd)
        SELECT run_id, sum(usd) FROM added WHERE run_id IS NOT NULL GROUP BY run_id ORDER BY run_id
        ON CONFLICT (run_id) DO UPDATE SET usd = total.usd + excluded.usd;
    WHEN 'UPDATE' THEN
        INSERT INTO run_spending AS total (run_id, usd)
        SELECT run_id, sum(usd)
          FROM (SELECT run_id, usd FROM added UNION ALL SELECT run_id, -usd FROM removed) AS changes
         WHERE run_id IS NOT NULL GROUP BY run_id HAVING sum(usd) <> 0 ORDER BY run_id
        ON CONFLICT (run_id) DO UPDATE SET usd = total.usd + excluded.usd;
    WHEN 'DELETE' THEN
        INSERT INTO run_spending AS total (run_id, usd)
        SELECT run_id, -sum(usd) FROM removed WHERE run_id IS NOT NULL GROUP BY run_id ORDER BY run_id
        ON CONFLICT (run_id) DO UPDATE SET usd = total.usd + excluded.usd;
    ELSE
        DELETE FROM run_spending;
    END CASE;
    RETURN NULL;
END $$;

CREATE FUNCTION run_spending_only_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'run_spending is the sum of the charges: change the charges';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

LOCK TABLE charges IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO run_spending SELECT run_id, sum(usd) FROM charges WHERE run_id IS NOT NULL GROUP BY run_id;
CREATE TRIGGER charges_are_added AFTER INSERT ON charges REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION run_spending_follows();
CREATE TRIGGER charges_are_changed AFTER UPDATE ON charges REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION run_spending_follows();
CREATE TRIGGER charges_are_removed AFTER DELETE ON charges REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION run_spending_follows();
CREATE TRIGGER charges_are_emptied AFTER TRUNCATE ON charges
    FOR EACH STATEMENT EXECUTE FUNCTION run_spending_follows();
CREATE TRIGGER run_spending_by_hand BEFORE INSERT OR UPDATE OR DELETE ON run_spending
    FOR EACH ROW EXECUTE FUNCTION run_spending_only_follows();
