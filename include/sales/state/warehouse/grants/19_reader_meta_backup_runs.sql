-- People and DataLens read views only.
GRANT SELECT ON {database}.meta_backup_runs TO zakaz_reader
