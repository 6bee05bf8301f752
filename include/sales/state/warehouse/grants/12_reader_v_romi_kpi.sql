-- People and DataLens read views only.
GRANT SELECT ON {database}.v_romi_kpi TO zakaz_reader
