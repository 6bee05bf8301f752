-- People and DataLens read views only.
GRANT SELECT ON {database}.alerts TO zakaz_reader
