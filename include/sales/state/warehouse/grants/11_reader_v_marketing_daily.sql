-- People and DataLens read views only.
GRANT SELECT ON {database}.v_marketing_daily TO zakaz_reader
