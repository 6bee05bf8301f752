-- People and DataLens read views only.
GRANT SELECT ON {database}.v_data_freshness TO zakaz_reader
