-- People and DataLens read views only.
GRANT SELECT ON {database}.meta_job_runs TO zakaz_reader
