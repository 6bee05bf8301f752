-- A run that is being listed is in no statistics. With a list of the most common runs PostgreSQL takes the new one for a
-- single row, and then any index that begins with run_id is as good as the one that finds the row: the whole run was
-- read again for each of its calls. Without such a list it expects a two-hundredth of the table for every run.
-- Its own type once more: that drops the list which is there already (no row is written anew). A view that uses the
-- column stands in the way, so it goes, and comes back as it was.
DO $$
DECLARE
    dead_letters text := pg_get_viewdef('call_dead_letters'::regclass);
BEGIN
    DROP VIEW call_dead_letters;
    ALTER TABLE call_records ALTER COLUMN run_id TYPE uuid, ALTER COLUMN run_id SET STATISTICS 0;
    ALTER TABLE call_events ALTER COLUMN run_id TYPE uuid, ALTER COLUMN run_id SET STATISTICS 0;
    EXECUTE 'CREATE VIEW call_dead_letters AS ' || dead_letters;
END $$;
