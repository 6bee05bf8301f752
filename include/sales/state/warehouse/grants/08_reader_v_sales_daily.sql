-- People and DataLens read views only.
GRANT SELECT ON {database}.v_sales_daily TO zakaz_reader
