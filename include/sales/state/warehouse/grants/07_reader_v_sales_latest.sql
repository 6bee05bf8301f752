-- People and DataLens read views only.
GRANT SELECT ON {database}.v_sales_latest TO zakaz_reader
